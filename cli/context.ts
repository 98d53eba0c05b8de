/** What every command is given by the composition root. */
import type { Settings } from '../config/schema.ts';

export interface CliContext {
  /** Reads the settings when a command needs them; throws SettingsError. */
  readonly settings: () => Settings;
  readonly version: string;
}

/** A problem that the user can mend: its message is the whole output, exit code 1. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommandError';
  }
}
