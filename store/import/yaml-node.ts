/** A YAML file as nodes that know their line. Scalars stay text: 00370 is a prefix and 0.10 an exact amount. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import { Problems } from './problem.ts';

export interface Field {
  readonly name: string;
  readonly node: Node | null;
  readonly path: string;
  readonly line: number;
}

/** Words that mean "nothing", as YAML itself has them. */
const NOTHING = new Set(['', '~', 'null']);

export class YamlFile {
  readonly problems: Problems;
  readonly file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;

  /** Syntax errors are put into `problems`; what could be read is there all the same. */
  constructor(file: string, text: string, problems: Problems) {
    this.file = file;
    this.problems = problems;
    this.#document = parseDocument(text, { schema: 'failsafe', lineCounter: this.#lines, prettyErrors: false, uniqueKeys: true });
    for (const error of this.#document.errors) {
      problems.add({ file, line: this.#lines.linePos(error.pos[0]).line, path: '', reason: `${error.message}${/flow|quote|missing|unterminated/i.test(error.message) ? ' (is the file complete?)' : ''}` });
    }
  }

  get root(): Node | null {
    return this.#document.contents;
  }

  line(node: Node | null | undefined): number {
    const at = node?.range?.[0];
    return at === undefined ? 0 : this.#lines.linePos(at).line;
  }

  fail(node: Node | null | undefined, path: string, reason: string): void {
    this.failAt(this.line(node), path, reason);
  }

  failAt(line: number, path: string, reason: string): void {
    this.problems.add({ file: this.file, line, path, reason });
  }

  /** Fields of a map; null with a problem for anything else. */
  fields(node: Node | null, path: string): readonly Field[] | null {
    const map = this.#resolved(node);
    if (!isMap(map)) {
      this.fail(node, path, 'must be a list of `key: value` lines.');
      return null;
    }
    return map.items.map((pair) => {
      const key = pair.key as Node | null;
      const name = isScalar(key) ? String(key.value) : '?';
      return { name, node: this.#resolved(pair.value as Node | null), path: path === '' ? name : `${path}.${name}`, line: this.line(key) };
    });
  }

  items(node: Node | null, path: string): readonly { readonly node: Node | null; readonly path: string }[] | null {
    const seq = this.#resolved(node);
    if (isScalar(seq) && NOTHING.has(String(seq.value))) return [];
    if (!isSeq(seq)) {
      this.fail(node, path, 'must be a list, each item with a dash in front.');
      return null;
    }
    return seq.items.map((item, index) => ({ node: this.#resolved(item as Node | null), path: `${path}[${index}]` }));
  }

  isScalar(node: Node | null): boolean {
    return isScalar(this.#resolved(node));
  }

  /** Text of a scalar; null for nothing; undefined with a problem for a list or a map. */
  text(node: Node | null, path: string): string | null | undefined {
    const scalar = this.#resolved(node);
    if (scalar === null) return null;
    if (!isScalar(scalar)) {
      this.fail(node, path, 'must be a single value.');
      return undefined;
    }
    const text = String(scalar.value);
    // Quoted, they are the words themselves.
    return scalar.type === 'PLAIN' && NOTHING.has(text) ? null : text;
  }

  #resolved(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? null) : node;
  }
}
