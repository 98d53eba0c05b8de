/** The clocks of this room. */
export const wallMs = (): number => Date.now();
/** Never set back; for durations only. */
export const monotonicMs = (): number => performance.now();
