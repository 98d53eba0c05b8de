/** How to go on by oneself while the demo stays up. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { labFolder } from '../lab-folder.ts';
import { findPrograms } from '../programs.ts';
import { commandLine } from './command.ts';
import type { DemoStage } from './stage.ts';

export async function howToTry({ asterisk, engine, postgresUrl, redisUrl }: DemoStage): Promise<string> {
  const file = engine.settingsFile;
  const [redis, psql] = [await clientCommand('redis-cli'), await clientCommand('psql')];
  return `
Everything stays up until Ctrl-C; try it from another terminal of this machine.

  A softphone      server ${asterisk.host}, port ${asterisk.sipPort}, UDP; user anna, password annas-password
                   (or ben / bens-password, dora / doras-password), then call
                   861234567 (answered, echoes what you say), 4930123456 (failover), 370900123456 (refused)
  What would be    ${commandLine(file, 'route', 'anna', '4930123456')}
                   ${commandLine(file, 'route', 'provider-1', '37088888000')}
  Live calls       ${commandLine(file, 'calls')}
  Is all well?     ${commandLine(file, 'doctor')}
                   curl ${engine.healthUrl}/health
  Redis            ${redis} -u ${redisUrl} --scan --pattern 'tollgate:*'
  CDRs             ${psql} '${postgresUrl}' -c 'select src, dst, disposition, hangup_cause, billsec, user_price from calls order by calldate'
  Top Dora up      ${psql} '${postgresUrl}' -c "select change_balance('user', id, 0.05, 'payment') from users where username = 'dora'"
  The engine's log tail -f ${engine.logFile}
`;
}

/** Without a client of its own, the machine has the private root's. */
async function clientCommand(name: string): Promise<string> {
  if ((process.env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)))) return name;
  const { origin } = await findPrograms(labFolder());
  return origin.startsWith('/') ? `chroot ${origin} ${name}` : name;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
