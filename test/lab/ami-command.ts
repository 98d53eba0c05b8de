/** Runs a CLI command through AMI: a millisecond, where `asterisk -rx` starts a program for it. */

import { connect } from 'node:net';
import { withTimeout } from './wait.ts';

const TIMEOUT_MS = 10_000;

export type AmiLogin = { port: number; user: string; password: string };

/** Resolves with the command's output. Rejects when AMI refuses the login or the command. */
export async function amiCommand(login: AmiLogin, command: string): Promise<string> {
  if (/[\r\n]/.test(command)) throw new Error('A line break would start another AMI header.');
  const socket = connect(login.port, '127.0.0.1');
  socket.setEncoding('utf8');
  const answered = new Promise<string>((done, fail) => {
    let received = '';
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('AMI closed the connection.')));
    socket.on('data', (text: string) => {
      received += text;
      const answer = blocks(received).find((block) => block.includes('ActionID: command\r\n'));
      const refusal = blocks(received).find((block) => block.includes('Message: Authentication failed'));
      if (refusal !== undefined) fail(new Error(refusal));
      else if (answer !== undefined) done(answer);
    });
  });
  socket.write(
    `Action: Login\r\nUsername: ${login.user}\r\nSecret: ${login.password}\r\nEvents: off\r\n\r\n` +
      `Action: Command\r\nActionID: command\r\nCommand: ${command}\r\n\r\n`,
  );
  try {
    const answer = await withTimeout(() => `no answer to "${command}"`, answered, TIMEOUT_MS);
    if (!answer.startsWith('Response: Success')) throw new Error(answer);
    return outputOf(answer);
  } finally {
    socket.destroy();
  }
}

/** Complete messages, the greeting line left out. */
function blocks(received: string): string[] {
  const messages = received.slice(received.indexOf('\r\n') + 2).split('\r\n\r\n');
  return messages.slice(0, -1).map((message) => `${message}\r\n`);
}

function outputOf(answer: string): string {
  const lines = answer.split('\r\n').filter((line) => line.startsWith('Output: '));
  return lines.map((line) => line.slice('Output: '.length)).join('\n');
}
