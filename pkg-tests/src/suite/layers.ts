/** What the package has besides the database: needs no storage, so it runs once in each place. */
import { subspaces } from './subspaces.ts';
import { tuples } from './tuples.ts';

export function layers(seed: number): void {
  describe('the layers', () => {
    tuples(seed);
    subspaces();
  });
}
