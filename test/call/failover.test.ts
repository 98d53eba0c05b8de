import { test } from 'tap';
import { call, provider } from './call-builder.ts';
import { dialling, given, legGone, started, wayChosen } from './dsl.ts';

const THREE_WAYS = [provider(1), provider(2), provider(3)];

test('a way that fails is followed by the next, on the same bridge', async () => {
  given(call({ ways: THREE_WAYS }))
    .when(...started, legGone(1, 34, 503))
    .isIn('choosing')
    .when(wayChosen(0))
    .thenOrders('createLeg leg 2 on way 1', 'setTimer legStart 5000')
    .isIn('dialling')
    .when(...dialling(2))
    .thenOrders('connect leg 2 on way 1', 'setTimer ring 62000', 'setTimer silence 3000');
});
