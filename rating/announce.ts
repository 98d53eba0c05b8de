// What a caller is told about the time he has left.

/**
 * Seconds to announce: multiplied by the ghost percent, never added to. 50 minutes at 120 % are announced as 60
 * ("Calling Card Groups"). Prices and limits know nothing of it. Cut to whole seconds.
 */
export function announcedSeconds(seconds: number, ghostPercent: number): number {
  return Math.floor((seconds * ghostPercent) / 100);
}
