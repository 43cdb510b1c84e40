/** The engine's WebAssembly: gzip, then base64. Written by the build. */
export const engineBytes: string;
