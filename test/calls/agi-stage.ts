/** What makes an Asterisk of the lab send calls of some devices through dialplan/extensions-agi.conf. */
import type { AsteriskOptions } from '../lab/asterisk.ts';

export interface DialDevice {
  readonly endpoint: string;
  readonly ip: string;
  /** tollgate-dial, or one of the test's own. */
  readonly context?: string;
}

/** As an operator has them who keeps his own endpoints: known by their address, with a context of his own. */
function pjsip(devices: readonly DialDevice[]): string {
  return devices.map(({ endpoint, ip, context = 'tollgate-dial' }) => `[${endpoint}]\ntype=endpoint\ncontext=${context}\ndisallow=all\nallow=ulaw\ndirect_media=no\nidentify_by=ip\n[${endpoint}-by-ip]\ntype=identify\nendpoint=${endpoint}\nmatch=${ip}\n`).join('');
}

/** `more`: dialplans of the test's own. */
export function dialOptions(agiPort: number, serverId: number, devices: readonly DialDevice[], more = ''): AsteriskOptions {
  return {
    additions: {
      'pjsip.conf': pjsip(devices),
      'extensions.conf': `#include "extensions-agi.conf"\n[globals](+)\nTOLLGATE_AGI=agi://127.0.0.1:${agiPort}\nTOLLGATE_SERVER=${serverId}\n${more}`,
    },
  };
}
