/** The small faults of a run: one in so many messages. */
import type { FaultRates } from './faults.ts';

export const FAULTS: FaultRates = { lostCommand: 3000, lostAnswer: 2000, lateEvent: 200, doubledEvent: 100, lostEvent: 5000, refusedOrder: 500, lostLogLine: 50, crashAtSend: 20_000, crashOfSettler: 300 };
