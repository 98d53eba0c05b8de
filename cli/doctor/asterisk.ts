/** One Asterisk: reachable, let in, modules, dialplan, pushed SIP objects, clock, witness. */
import { access, constants } from 'node:fs/promises';
import type { AsteriskSettings } from '../../config/schema.ts';
import { askInfo, globalVariable, isAttended, missingEndpoints, missingModules, pushProblem } from '../../engine/asterisk/inspect.ts';
import type { AsteriskAddress } from '../../engine/asterisk/inspect.ts';
import { hasRestOverWebSocket } from '../../engine/asterisk/version.ts';
import { bad, clockCheck, good, reasonOf, warn } from './check.ts';
import type { Check } from './check.ts';

const NEEDED_MODULES = [
  'app_stasis.so', 'res_ari_channels.so', 'res_ari_bridges.so', 'res_ari_events.so', 'res_ari_applications.so', 'res_ari_asterisk.so', 'res_ari_endpoints.so', 'res_ari_playbacks.so',
  'res_stasis_answer.so', 'res_stasis_playback.so', 'chan_pjsip.so', 'res_pjsip_session.so', 'res_pjsip_registrar.so', 'res_pjsip_caller_id.so', 'res_pjsip_rfc3326.so',
  'res_pjsip_endpoint_identifier_ip.so', 'res_pjsip_endpoint_identifier_user.so', 'res_pjsip_authenticator_digest.so', 'res_sorcery_astdb.so', 'res_rtp_asterisk.so',
  'bridge_simple.so', 'bridge_native_rtp.so', 'func_callerid.so', 'func_channel.so', 'func_timeout.so', 'func_rand.so', 'pbx_config.so',
];

/** What dialplan/extensions.conf sets TOLLGATE_DIALPLAN to. */
const DIALPLAN_VERSION = '2';

export async function asteriskChecks(asterisk: AsteriskSettings, app: string): Promise<readonly Check[]> {
  const about = `Asterisk ${asterisk.id}`;
  const address: AsteriskAddress = { url: asterisk.url, username: asterisk.username, password: asterisk.password, timeoutMs: 5000 };
  try {
    const info = await askInfo(address);
    if ('reason' in info) {
      const advice = info.status === 401 ? 'username and password must be those of ari.conf' : 'enable `[general] enabled=yes` in ari.conf and http.conf';
      return [bad(about, `answers ${info.status}: ${info.reason}`, advice)];
    }
    return [version(about, info.version), await modules(about, address), await dialplan(about, address), await endpoints(about, address), await pushes(about, address), await clock(about, address), await attended(about, address, app), await witness(about, asterisk.witness)];
  } catch (error) {
    return [bad(about, `cannot be reached at ${asterisk.url}: ${reasonOf(error)}`, 'start it, enable http.conf and ari.conf, or correct its url')];
  }
}

function version(about: string, found: string): Check {
  if (hasRestOverWebSocket(found)) return good(about, `version ${found}`);
  return warn(about, `version ${found}: requests go over HTTP, which costs more CPU`, 'Asterisk 20.14, 21.9, 22.4 or newer carries them on the event WebSocket');
}

async function modules(about: string, address: AsteriskAddress): Promise<Check> {
  const missing = await missingModules(address, NEEDED_MODULES);
  return missing.length === 0 ? good(`${about} modules`, 'all that are needed run') : bad(`${about} modules`, `not running: ${missing.join(', ')}`, 'load them in modules.conf (see dialplan/modules.conf) and restart Asterisk');
}

async function dialplan(about: string, address: AsteriskAddress): Promise<Check> {
  const found = await globalVariable(address, 'TOLLGATE_DIALPLAN');
  if (found === DIALPLAN_VERSION) return good(`${about} dialplan`, 'installed');
  return bad(`${about} dialplan`, found === '' ? 'not installed' : `version ${found}, not ${DIALPLAN_VERSION}`, 'install dialplan/extensions.conf, then: asterisk -rx "dialplan reload"');
}

const ENDPOINTS = ['anonymous', 'tollgate-external'];

async function endpoints(about: string, address: AsteriskAddress): Promise<Check> {
  const missing = await missingEndpoints(address, ENDPOINTS);
  if (missing.length === 0) return good(`${about} endpoints`, `${ENDPOINTS.join(' and ')} are there`);
  return warn(`${about} endpoints`, `not there: ${missing.join(', ')}`, 'copy them from dialplan/pjsip.conf: without anonymous a stranger leaves no CDR, without tollgate-external no DID leads to a server outside');
}

async function pushes(about: string, address: AsteriskAddress): Promise<Check> {
  const problem = await pushProblem(address);
  return problem === '' ? good(`${about} SIP objects`, 'can be pushed') : bad(`${about} SIP objects`, `cannot be pushed: ${problem}`, 'install dialplan/sorcery.conf and restart Asterisk; the ARI user must not be read_only');
}

async function witness(about: string, path: string): Promise<Check> {
  const advice = 'copy cel.conf and cel_custom.conf from dialplan/, and name the file in asterisk[].witness, readable for the engine';
  if (path === '') return warn(`${about} witness`, 'none is named: ends that nobody told are estimated', advice);
  try {
    await access(path, constants.R_OK);
    return good(`${about} witness`, `${path} can be read`);
  } catch (error) {
    return bad(`${about} witness`, `${path} cannot be read: ${reasonOf(error)}`, advice);
  }
}

async function clock(about: string, address: AsteriskAddress): Promise<Check> {
  const seconds = Number(await globalVariable(address, 'EPOCH'));
  // EPOCH has whole seconds: half of one is the best guess.
  return seconds > 0 ? clockCheck(about, seconds * 1000 + 500 - Date.now()) : warn(`${about} clock`, 'is not told', 'compare `date` on both hosts');
}

async function attended(about: string, address: AsteriskAddress, app: string): Promise<Check> {
  return (await isAttended(address, app)) ? good(`${about} engine`, 'attached') : warn(`${about} engine`, 'none is attached: callers get 503', 'npm run -s tollgate -- run');
}
