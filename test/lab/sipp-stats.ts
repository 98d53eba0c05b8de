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

export type ResponseTime = {
  /** When the response came, milliseconds on SIPp's own clock. */
  atMs: number;
  tookMs: number;
  /** The scenario's `rtd`. */
  name: string;
};

/** The response times of a -trace_rtt file. */
export function readTimes(csv: string): ResponseTime[] {
  const lines = csv.trimEnd().split('\n').slice(1).map((line) => line.split(';'));
  return lines.map(([at, took, name]) => ({ atMs: Number(at), tookMs: Number(took), name: name?.trim() ?? '' })).filter(({ tookMs }) => Number.isFinite(tookMs));
}
