/**
 * Loaded before the engine (`node --import`), which is otherwise as it is deployed: each call named in the file STOP_AT is stopped at
 * one point of the engine's talk with Redis and Asterisk, and so is the settler at one of its talk with Postgres. What is asked or
 * answered there, and later of that call, gets lost, until the process is killed: as if it had died in each of these moments. See
 * `Stop` in rungs.test.ts. Plain JavaScript, as worker threads load it too.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { WebSocket } from 'ws';

const file = process.env['STOP_AT'] ?? '';
const stops = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
/** Names of the scripts by what Redis is asked for. */
const scripts = new Map(JSON.parse(process.env['SCRIPTS'] ?? '[]'));

/** A call, or the settler; false: what is said here gets lost. */
class Stopping {
  #name;
  #at;
  #withheld;
  #stopped = false;

  constructor(name) {
    const { at, withheld } = stops[name] ?? {};
    this.#name = name;
    this.#at = at;
    this.#withheld = withheld;
  }

  passes(words) {
    if (this.#stopped) return false;
    if (this.#at !== undefined && new RegExp(this.#at).test(words)) {
      this.#stopped = true;
      appendFileSync(`${file}.reached`, `${this.#name}\n`);
      return false;
    }
    return this.#withheld === undefined || !new RegExp(this.#withheld).test(words);
  }
}

/** By the ids of their callers' channels. */
const calls = new Map();

/** `text` names the calls that it is about. */
function passes(words, text) {
  return [...calls].every(([id, call]) => !new RegExp(`${id.replaceAll('.', '\\.')}(?!\\d)`).test(text) || call.passes(words));
}

function hear({ type, channel }) {
  const number = channel?.dialplan?.exten;
  if (type === 'StasisStart' && stops[number] !== undefined) calls.set(channel.id, new Stopping(number));
}

// What stood there before is called with the object it belongs to.
/* oxlint-disable typescript/unbound-method */

function watchRedis() {
  const send = Redis.prototype.sendCommand;
  Redis.prototype.sendCommand = function sendCommand(command, stream) {
    const name = scripts.get(String(command.args[0])) ?? command.name;
    // News of many calls go together.
    if (name === 'update-live') return send.call(this, command, stream);
    const text = command.args.join(' ');
    if (!passes(`redis ${name} asked`, text)) return command.promise;
    const { resolve, reject } = command;
    command.resolve = (value) => {
      if (passes(`redis ${name} answered`, text)) resolve(value);
    };
    command.reject = (error) => {
      if (passes(`redis ${name} failed`, text)) reject(error);
    };
    return send.call(this, command, stream);
  };
}

function watchAsterisk() {
  const { send, emit } = WebSocket.prototype;
  const asked = new Map();
  WebSocket.prototype.send = function sendMessage(text, ...more) {
    const { request_id: id, method, uri } = JSON.parse(text);
    const words = `asterisk ${method} ${uri}`;
    asked.set(id, { words, text });
    if (passes(`${words} asked`, text)) send.call(this, text, ...more);
  };
  WebSocket.prototype.emit = function emitEvent(name, ...parameters) {
    if (name === 'message') {
      const message = JSON.parse(String(parameters[0]));
      hear(message);
      const request = message.type === 'RESTResponse' ? asked.get(message.request_id) : undefined;
      if (request !== undefined && !passes(`${request.words} answered`, request.text)) return true;
    }
    return emit.call(this, name, ...parameters);
  };
}

/** The transaction that settles calls is known by its first statement. */
function watchPostgres() {
  const { query } = Client.prototype;
  const settling = new WeakSet();
  const settler = new Stopping('settle');
  const never = new Promise(() => undefined);
  Client.prototype.query = function runQuery(statement, ...more) {
    if (statement.name === 'settle-calls') settling.add(this);
    if (statement !== 'commit' || !settling.delete(this)) return query.call(this, statement, ...more);
    if (!settler.passes('postgres commit asked')) return never;
    return query.call(this, statement, ...more).then((result) => (settler.passes('postgres commit answered') ? result : never));
  };
}

if (isMainThread) {
  watchRedis();
  watchAsterisk();
  watchPostgres();
}
