/**
 * `/health`: what works and what does not, as JSON; 200 when the process lives. `/ready`: 200 only when calls can be
 * served. For load balancers, containers and people. `/metrics` beside them.
 */
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HealthReport {
  /** It is going down: running calls may end, new ones are refused. */
  readonly draining: boolean;
  readonly store: { readonly ready: boolean };
  readonly engine: { readonly servers: readonly { readonly leads: boolean; readonly leader: string; readonly connected: boolean; readonly provisioned: boolean }[] };
}

export interface HealthServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Ready: the store answers, the catalog is loaded, at least one Asterisk is attached and knows all devices, or others lead them all and this daemon stands by; and it stays. */
export function isReady(report: HealthReport): boolean {
  const { servers } = report.engine;
  const serves = servers.some((server) => server.connected && server.provisioned) || servers.every((server) => !server.leads && server.leader !== '');
  return !report.draining && report.store.ready && serves;
}

/** Figures as text. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: () => Promise<string>;
}

const JSON_TYPE = { 'content-type': 'application/json' };

function tellMetrics(response: ServerResponse, metrics: MetricsText): void {
  metrics.text().then(
    (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
    (error: unknown) => response.writeHead(500, JSON_TYPE).end(`${JSON.stringify({ error: String(error) })}\n`),
  );
}

/** null when the port is 0; `metrics` null: they are switched off. */
export async function startHealth(where: { readonly host: string; readonly port: number }, report: () => HealthReport, metrics: MetricsText | null = null): Promise<HealthServer | null> {
  if (where.port === 0) return null;
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method === 'GET' && path === '/metrics' && metrics !== null) {
      tellMetrics(response, metrics);
      return;
    }
    if (request.method !== 'GET' || (path !== '/health' && path !== '/ready')) {
      response.writeHead(404, JSON_TYPE).end(`{"error":"there are /health, /ready${metrics === null ? '' : ' and /metrics'}"}\n`);
      return;
    }
    const now = report();
    const ready = isReady(now);
    response.writeHead(path === '/ready' && !ready ? 503 : 200, JSON_TYPE).end(`${JSON.stringify({ ready, ...now })}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where.port, where.host, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
