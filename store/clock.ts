/** The clocks and timers of this room. */
export const wallMs = (): number => Date.now();
/** Never set back; for durations only. */
export const monotonicMs = (): number => performance.now();

/** Once, later; does not keep the process alive. */
export function later(ms: number, action: () => void): void {
  setTimeout(action, ms).unref();
}
