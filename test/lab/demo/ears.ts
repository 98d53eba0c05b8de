/** Two calls whose phones tell what they hear: a warning before one, and an operator who listens to the other and whispers. */

import { PhoneAudio } from '../phone-audio.ts';
import { startCaller } from '../sipp.ts';
import { until } from '../wait.ts';
import { SPIED, WARNED } from './calls.ts';
import { runTollgate } from './command.ts';
import { CARRIER_IP, DESK_HZ, EMMA_IP } from './far-ends.ts';
import { answered, outcome, type PlacedCall } from './placing.ts';
import type { DemoStage } from './stage.ts';
import type { Verdict } from './verdict.ts';

export type Heard = { placed: PlacedCall; verdict: Verdict };

/** The sound of the warning, which lasts a second; what the spied caller says. */
export const WARNING_HZ = 700;
const CALLER_HZ = 400;
const WHOLE_MS = [900, 1100] as const;

export async function warnedCall({ asterisk, farEnds }: DemoStage): Promise<Heard> {
  const { carrier } = farEnds.providers;
  const invited = (): number => carrier?.invites().length ?? 0;
  const before = invited();
  const audio = await PhoneAudio.open(EMMA_IP);
  const caller = await startCaller({ ...WARNED.sipp, values: { ...WARNED.sipp.values, mediaPort: audio.port }, target: asterisk });
  await until(() => (invited() > before ? undefined : 'the provider is not called'), { timeoutMs: 15_000, everyMs: 5 });
  const heardMs = audio.heardMs(WARNING_HZ);
  const placed = outcome(WARNED, await caller.done);
  const inAllMs = audio.heardMs(WARNING_HZ);
  audio.close();
  return {
    placed,
    verdict: { what: '   what Emma hears', should: 'the warning of one second, whole, before anybody is called', did: `${heardMs} ms of it before the provider is called, ${inAllMs} ms in all`, ok: whole(heardMs) && whole(inAllMs) },
  };
}

function whole(ms: number): boolean {
  return ms >= WHOLE_MS[0] && ms <= WHOLE_MS[1];
}

export async function spiedCall({ asterisk, db, engine, farEnds, view }: DemoStage): Promise<Heard> {
  const { desk } = farEnds;
  const audio = await PhoneAudio.open(CARRIER_IP);
  const caller = await startCaller({ ...SPIED.sipp, values: { ...SPIED.sipp.values, mediaPort: audio.port }, target: asterisk });
  await answered(caller);
  audio.speak(caller.messages().find(({ direction, status }) => direction === 'received' && status === 200)?.text ?? '', CALLER_HZ);
  const callId = (await view.calls()).find(({ fields }) => fields['to'] === SPIED.sipp.to)?.callId ?? '';
  await runTollgate(engine.settingsFile, 'spy', callId, '--device', 'desk', '--side', 'caller');
  await until(() => (desk.audio.heardMs(CALLER_HZ) >= 500 ? undefined : 'the desk does not hear the caller'), { timeoutMs: 15_000 });
  const whispered = audio.heardMs(DESK_HZ);
  desk.audio.press('5');
  await until(() => (audio.heardMs(DESK_HZ) >= 500 ? undefined : 'the caller does not hear the desk'), { timeoutMs: 15_000 });
  await runTollgate(engine.settingsFile, 'hangup', callId);
  const placed = outcome(SPIED, await caller.done);
  audio.close();
  const modes = await modesOf(db, callId);
  return {
    placed,
    verdict: {
      what: '   who hears whom', should: 'the caller at once; after key 5 the caller hears him; both are in the record',
      did: `he hears the caller; before key 5 he is heard for ${whispered} ms; recorded: ${modes}`, ok: whispered === 0 && modes === 'listen, whisper',
    },
  };
}

async function modesOf(db: DemoStage['db'], callId: string): Promise<string> {
  let modes = '';
  await until(async () => {
    const { rows } = await db.query<{ modes: { mode: string }[] }>('select modes from spy_sessions where call_id = $1 and ended_at is not null', [callId]);
    modes = (rows[0]?.modes ?? []).map(({ mode }) => mode).join(', ');
    return rows.length > 0 ? undefined : 'the record has no end';
  }, { timeoutMs: 15_000 });
  return modes;
}
