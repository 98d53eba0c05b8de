/** Templates of mails: the documents' variables, and nothing that a value or a template could break out by. */
import { test } from 'tap';
import { inCents, messageOf } from '../../../jobs/deliver.ts';
import { parseMoney } from '../../../rating/money.ts';
import { fill, fillLine, placesOf } from '../../../store/warnings/template.ts';
import type { OpenDelivery } from '../../../store/warnings/rows.ts';

const VALUES = { username: 'ann', first_name: '<b>Ann</b> & "co"', last_name: "O'Hara", balance: '4.50', warning_balance: '5.00', currency: 'EUR', company: 'T\r\nBcc: x@example.com', date: '2026-11-24 09:00 (UTC)' };

test('variables, in any spacing', async (t) => {
  t.equal(fill('<%= username %> has <%=balance%> <%=  currency  %>', VALUES), 'ann has 4.50 EUR');
});

test('a value is not a template, and a name that is none stays', async (t) => {
  t.equal(fill('<%= first_name %>', { ...VALUES, first_name: '<%= balance %>' }), '<%= balance %>');
  t.equal(fill('<%= __proto__ %> <%= constructor %> <%= process.exit() %> <% code %> ${username}', VALUES), '<%= __proto__ %> <%= constructor %> <%= process.exit() %> <% code %> ${username}');
  t.strictSame(placesOf('<%= username %> <%= nmae %> <%= process.exit() %>'), ['username', 'nmae', 'process.exit()']);
});

test('a subject is one line', async (t) => {
  t.equal(fillLine('From <%= company %>', VALUES), 'From T Bcc: x@example.com');
});

const open: OpenDelivery = {
  id: '17', channel: 'mail', recipient: 'user', address: 'ann@example.com', userId: 5, username: 'ann', firstName: '<b>Ann</b>', lastName: "O'Hara", currency: 'EUR', timeZone: 'Europe/Vilnius',
  balance: parseMoney('4.5099999999'), threshold: parseMoney('5'), atMs: Date.parse('2026-11-24T07:00:00Z'), attempts: 0,
  template: { subject: '<%= username %>', text: '<%= first_name %> <%= balance %> <%= date %>', html: '<p><%= first_name %> <%= last_name %></p>' },
};

test('in HTML values are escaped, in text they are not; the id is the same at every try', async (t) => {
  const message = messageOf(open, { from: 'billing@example.com', company: 'Tel' });
  t.strictSame(message, { id: '<tollgate-warning-17@example.com>', to: 'ann@example.com', subject: 'ann', text: '<b>Ann</b> 4.50 2026-11-24 09:00 (Europe/Vilnius)', html: '<p>&lt;b&gt;Ann&lt;/b&gt; O&#39;Hara</p>' });
});

test('an amount in cents never says more than there is', async (t) => {
  for (const [amount, text] of Object.entries({ '4.509': '4.50', '0': '0.00', '-0.001': '-0.01', '-3': '-3.00', '1234.5': '1234.50' })) t.equal(inCents(parseMoney(amount)), text, amount);
});
