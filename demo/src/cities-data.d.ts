declare module 'virtual:cities-data' {
  /** The data file that ships beside the page. */
  export const dataSet: {
    version: string;
    rows: number;
    /** ISO 3166 codes of the countries in it. */
    countries: string[];
    bytes: number;
    /** Relative to the page. */
    path: string;
  };
}
