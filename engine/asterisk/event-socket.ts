/** Watches one open WebSocket, whoever made it: its health, and its end, told exactly once. */
import type { WebSocket } from 'ws';
import { afterReading, every, later } from './clock.ts';
import type { SessionOptions } from './session.ts';

/** How long Asterisk gets to answer a close frame before the socket is cut. */
const CLOSE_MS = 1000;

export interface WatchedSocket {
  /** Says goodbye with a close frame; resolves when the socket is gone. */
  close(): Promise<void>;
}

export function watchSocket(socket: WebSocket, options: SessionOptions, onClosed: (reason: string) => void): WatchedSocket {
  let problem = 'closed by Asterisk';
  let heard = 0;
  const judge = (heardBefore: number): void => {
    if (heard !== heardBefore || socket.readyState !== socket.OPEN) return;
    problem = `nothing heard for ${options.healthTimeoutMs} ms after a ping`;
    socket.terminate();
  };
  const checks = new Set<() => void>();
  const stopPings = every(options.healthIntervalMs, () => {
    const heardBefore = heard;
    socket.ping();
    const cancel = later(options.healthTimeoutMs, () => {
      checks.delete(cancel);
      // Answers may wait unread where this process itself was held up: read them before judging.
      afterReading(() => judge(heardBefore));
    });
    checks.add(cancel);
  });
  // Anything at all is a sign of life: under load a pong waits its turn behind the events.
  socket.on('pong', () => (heard += 1));
  socket.on('message', () => (heard += 1));
  socket.on('error', (error) => (problem = error.message));
  const gone = new Promise<void>((resolve) => {
    socket.once('close', (code) => {
      stopPings();
      for (const cancel of checks) cancel();
      onClosed(`${problem} (${code})`);
      resolve();
    });
  });
  return {
    close: () => {
      if (socket.readyState === socket.OPEN) problem = 'closed by us';
      socket.close(1000);
      const cancel = later(CLOSE_MS, () => socket.terminate());
      return gone.finally(cancel);
    },
  };
}
