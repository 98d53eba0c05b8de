/** One Asterisk, one transport, and SIP on both sides: where the contract suite plays. */
import type { Test } from 'tap';
import { addToBridge, createBridge, createLeg, dial } from '../../engine/asterisk/commands.ts';
import type { AsteriskLink } from '../../engine/asterisk/contract.ts';
import { numberDialString } from '../../engine/asterisk/dial-string.ts';
import type { Asterisk } from '../lab/asterisk.ts';
import { startCaller, startPeer, type CallerOptions, type PeerOptions, type Sipp } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { ObservedLink } from './observed-link.ts';
import { TcpProxy } from './tcp-proxy.ts';

export const CALLER_IP = '127.0.0.2';

export class Stage {
  readonly asterisk: Asterisk;
  readonly transport: AsteriskLink['transport'];
  readonly #peerPort: number;
  #shared: ObservedLink | undefined;
  #calls = 0;

  constructor(asterisk: Asterisk, transport: AsteriskLink['transport'], peerPort: number) {
    this.asterisk = asterisk;
    this.transport = transport;
    this.#peerPort = peerPort;
  }

  /** Closed when the test is over. */
  async link(t: Test, options: Partial<ConstructorParameters<typeof ObservedLink>[0]> = {}): Promise<ObservedLink> {
    const observed = this.#open(options);
    t.teardown(() => observed.link.close());
    await observed.connected();
    return observed;
  }

  /** One link for all cases that leave it as it was, with nothing remembered. */
  async shared(): Promise<ObservedLink> {
    this.#shared ??= this.#open({});
    await this.#shared.connected();
    this.#shared.forget();
    return this.#shared;
  }

  async closeShared(): Promise<void> {
    await this.#shared?.link.close();
  }

  async proxy(t: Test): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(Number(new URL(this.asterisk.ariUrl).port));
    t.teardown(() => proxy.close());
    return proxy;
  }

  async peer(t: Test, options: PeerOptions): Promise<Sipp> {
    const peer = await startPeer({ ...options, port: this.#peerPort });
    t.teardown(() => peer.stop());
    return peer;
  }

  caller(options: Omit<CallerOptions, 'target'>): Promise<Sipp> {
    const { host, sipPort } = this.asterisk;
    return startCaller({ target: { host, sipPort }, ip: CALLER_IP, to: '4930555', from: '37060000001', ...options });
  }

  /** Leads a call as the engine does, up to the outgoing INVITE. */
  async dialled(observed: ObservedLink): Promise<{ callerId: string; legId: string; bridgeId: string }> {
    const { link } = observed;
    const bridgeId = `bridge-${++this.#calls}`;
    const legId = `leg-${this.#calls}`;
    const { channelId: callerId } = await observed.event('stasisStart', (event) => event.args[0] !== 'leg');
    await link.inOrder([
      createBridge(bridgeId),
      createLeg({ dialString: numberDialString('4930555', 'trunk'), channelId: legId, app: 'tollgate', appArgs: ['leg'], originator: callerId, variables: { 'PJSIP_HEADER(add,X-Tried)': 'a;b="c"' } }),
    ]);
    await observed.event('stasisStart', (event) => event.channelId === legId);
    await link.inOrder([addToBridge(bridgeId, [callerId, legId]), dial(legId, 10, callerId)]);
    return { callerId, legId, bridgeId };
  }

  #open(options: Partial<ConstructorParameters<typeof ObservedLink>[0]>): ObservedLink {
    const { ariUrl: url, ariUser: username, ariPassword: password } = this.asterisk;
    return new ObservedLink({ url, username, password, transport: this.transport, ...options });
  }

  async quiet(): Promise<void> {
    await until(async () => ((await this.asterisk.channelCount()) === 0 ? undefined : 'channels are up'));
  }
}
