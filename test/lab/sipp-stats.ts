/** Reads SIPp's own statistics files. */

export type SippStats = { started: number; successful: number; failed: number; retransmissions: number };

/** The last line of a -trace_stat file; `(C)` columns count from the start. */
export function readStats(csv: string): SippStats {
  const lines = csv.trimEnd().split('\n');
  const names = lines[0]?.split(';') ?? [];
  const values = lines.length > 1 ? (lines.at(-1)?.split(';') ?? []) : [];
  const column = (name: string): number => Number(values[names.indexOf(name)] ?? 0) || 0;
  return {
    started: column('TotalCallCreated'),
    successful: column('SuccessfulCall(C)'),
    failed: column('FailedCall(C)'),
    retransmissions: column('Retransmissions(C)'),
  };
}

/** The response times of a -trace_rtt file, in milliseconds. */
export function readTimes(csv: string): number[] {
  const lines = csv.trimEnd().split('\n').slice(1);
  return lines.map((line) => Number(line.split(';')[1])).filter(Number.isFinite);
}
