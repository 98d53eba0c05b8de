/** Whether a provider is dead, from what Asterisk tells of its endpoint. */
import t from 'tap';
import { Reachability } from '../../engine/periodic-check.ts';

const provider = { id: 7, endpoint: 'provider-7', checkEveryS: 30 };

t.test('one that answered is dead as soon as it does not, and alive as soon as it does', async (t) => {
  const reachability = new Reachability();
  t.equal(reachability.observe(provider, 'online', 0), false);
  t.equal(reachability.observe(provider, 'offline', 2000), true);
  t.same([...reachability.dead], [7]);
  t.equal(reachability.observe(provider, 'offline', 4000), false, 'told once');
  t.equal(reachability.observe(provider, 'online', 6000), true);
  t.same([...reachability.dead], []);
});

t.test('one that was never seen to answer is alive until Asterisk must have asked it', async (t) => {
  const reachability = new Reachability();
  t.equal(reachability.observe(provider, 'offline', 0), false);
  t.equal(reachability.observe(provider, 'offline', 33_999), false);
  t.equal(reachability.observe(provider, 'offline', 34_000), true);
  t.same([...reachability.dead], [7]);
  reachability.forget('provider-7');
  t.same([...reachability.dead], [], 'Asterisk has it anew');
  t.equal(reachability.observe(provider, 'offline', 35_000), false);
});

t.test('what Asterisk does not know is alive, and so is who is checked no more', async (t) => {
  const reachability = new Reachability();
  t.equal(reachability.observe(provider, 'unknown', 0), false);
  t.equal(reachability.observe(provider, 'unknown', 100_000), false);
  reachability.observe(provider, 'offline', 100_000);
  t.same([...reachability.dead], [7]);
  reachability.keepOnly(new Set([8]));
  t.same([...reachability.dead], []);
});
