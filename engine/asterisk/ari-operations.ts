/** Finds the package's operation for a request: it knows them by name, the engine by method and path. */
import type { AriRequest } from './contract.ts';
import type { LoadedClient, Operation } from './ari-package.ts';

export interface FoundOperation {
  readonly operation: Operation;
  /** Parameters of the path, decoded: the package encodes them again. */
  readonly parameters: Record<string, unknown>;
}

interface Template {
  readonly operation: Operation;
  readonly segments: readonly string[];
}

export class Operations {
  /** By method and number of segments. Fixed segments stand before parameters, so `/channels/create` is no channel's id. */
  readonly #templates = new Map<string, Template[]>();

  constructor(apis: LoadedClient['_swagger']['apis']) {
    for (const { operations } of Object.values(apis)) {
      for (const operation of Object.values(operations)) this.#add(operation);
    }
    for (const templates of this.#templates.values()) templates.sort((a, b) => a.segments.filter(isParameter).length - b.segments.filter(isParameter).length);
  }

  /** Undefined when this Asterisk has no such operation. */
  find(request: AriRequest): FoundOperation | undefined {
    const segments = request.path.split('/');
    for (const template of this.#templates.get(`${request.method} ${segments.length}`) ?? []) {
      const parameters = match(template.segments, segments);
      if (parameters !== undefined) return { operation: template.operation, parameters };
    }
    return undefined;
  }

  #add(operation: Operation): void {
    const segments = operation.path.split('/');
    const key = `${operation.method.toUpperCase()} ${segments.length}`;
    const templates = this.#templates.get(key) ?? [];
    templates.push({ operation, segments });
    this.#templates.set(key, templates);
  }
}

function match(template: readonly string[], segments: readonly string[]): Record<string, unknown> | undefined {
  const parameters: Record<string, unknown> = {};
  for (const [index, expected] of template.entries()) {
    const segment = segments[index] ?? '';
    if (isParameter(expected)) parameters[expected.slice(1, -1)] = decodeURIComponent(segment);
    else if (expected !== segment) return undefined;
  }
  return parameters;
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{');
}
