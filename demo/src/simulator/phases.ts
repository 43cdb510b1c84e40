/** The parts of a day, with what happens in each. */

import type { DayView } from './simulator.worker';

export const PHASES: readonly (readonly [DayView['phase'], string])[] = [
  ['set up', 'Peers open, workloads store what they begin with'],
  ['work', 'Clients work, bad things happen'],
  ['calm', 'Nothing bad any more; every tab gets its peer'],
  ['verdict', 'Workloads, peers, pages and history are judged'],
];
