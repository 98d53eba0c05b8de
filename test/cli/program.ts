/** How the commands are started: compiled by the runner for all files (three times as quick to start), else from the source. */
const COMPILED = process.env['LAB_COMPILED'];

/** Arguments of Node before those of the command. */
export const PROGRAM: readonly string[] = COMPILED === undefined ? ['--import=tsx', 'main.ts'] : ['--enable-source-maps', COMPILED];
