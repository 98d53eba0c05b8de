/**
 * The null engine: the same transport, the same requests as a plain answered call needs, and no decision at all.
 * What Tollgate costs beyond it is Tollgate's own. Run as a process of its own; the link's address comes as JSON.
 */
import { addToBridge, answer, createBridge, createLeg, destroyBridge, dial, hangup } from '../../engine/asterisk/commands.ts';
import { connectAsterisk } from '../../engine/asterisk/connect.ts';
import type { AriRequest, AsteriskEvent, AsteriskLink } from '../../engine/asterisk/contract.ts';
import { numberDialString } from '../../engine/asterisk/dial-string.ts';

interface NullCall {
  readonly caller: string;
  readonly leg: string;
  bridged: boolean;
  ready: boolean;
}

const address = JSON.parse(process.argv[2] ?? '{}') as { url: string; username: string; password: string; app: string; endpoint: string };
const byChannel = new Map<string, NullCall>();
const none = (): undefined => undefined;

function send(link: AsteriskLink, request: AriRequest): void {
  link.request(request).catch(none);
}

/** An order failed: nobody decides anything here, both legs go. */
function giveUp(link: AsteriskLink, call: NullCall): void {
  send(link, hangup(call.caller, 34));
  send(link, hangup(call.leg, 34));
}

function arrive(link: AsteriskLink, caller: string, number: string): void {
  const call: NullCall = { caller, leg: `null-${caller}`, bridged: false, ready: false };
  byChannel.set(caller, call);
  byChannel.set(call.leg, call);
  link.request(createBridge(call.leg)).then(() => {
    call.bridged = true;
    connect(link, call);
  }, () => giveUp(link, call));
  link.request(createLeg({ dialString: numberDialString(number, address.endpoint), channelId: call.leg, app: address.app, appArgs: ['leg'], originator: caller })).catch(() => giveUp(link, call));
}

function connect(link: AsteriskLink, call: NullCall): void {
  if (call.bridged && call.ready) link.inOrder([addToBridge(call.leg, [call.caller, call.leg]), dial(call.leg, 30, call.caller)]).catch(() => giveUp(link, call));
}

function receive(link: AsteriskLink, event: AsteriskEvent): void {
  if (event.type === 'stasisStart' && event.args[0] !== 'leg') return arrive(link, event.channelId, event.channel.extension);
  const call = byChannel.get(event.channelId);
  if (call === undefined) return;
  // Its caller went while it was being created, when there was nothing to hang up yet.
  if (event.type === 'stasisStart' && !byChannel.has(call.caller)) return send(link, hangup(call.leg, 16));
  if (event.type === 'stasisStart') {
    call.ready = true;
    connect(link, call);
  } else if (event.type === 'stateChange' && event.state === 'Up' && event.channelId === call.leg) {
    // Not Dial ANSWER: Asterisk may leave it out when the far end answers at once.
    send(link, answer(call.caller));
  } else if (event.type === 'destroyed') {
    byChannel.delete(event.channelId);
    const other = event.channelId === call.caller ? call.leg : call.caller;
    if (!byChannel.has(other)) return;
    send(link, hangup(other, 16));
    send(link, destroyBridge(call.leg));
  }
}

const link: AsteriskLink = connectAsterisk({
  ...address,
  transport: 'websocket',
  requestTimeoutMs: 5000,
  reconnectMinMs: 100,
  reconnectMaxMs: 1000,
  onEvent: (event) => receive(link, event),
  onConnected: () => process.stdout.write('attached\n'),
  onDisconnected: none,
  log: { info: none, warn: none },
});
// The link's own timers do not keep a process alive.
setInterval(none, 60_000);
process.once('SIGTERM', () => process.exit(0));
