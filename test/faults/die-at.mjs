/**
 * Loaded before the engine (`node --import`), which is otherwise as it is deployed: the process kills itself at one point of its
 * talk with Redis, Asterisk or Postgres. The file named by DIE_AT says which, once: see `Deadly` in rungs.test.ts. Without that
 * file nothing happens. Plain JavaScript, as worker threads load it too.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { WebSocket } from 'ws';

const file = process.env['DIE_AT'] ?? '';
/** Names of the scripts by what Redis is asked for. */
const scripts = new Map(JSON.parse(process.env['SCRIPTS'] ?? '[]'));

/** False: what is asked at this point is withheld. */
function reach(point) {
  if (!existsSync(file)) return true;
  const { at, withheld } = JSON.parse(readFileSync(file, 'utf8'));
  if (new RegExp(at).test(point)) {
    rmSync(file);
    process.kill(process.pid, 'SIGKILL');
  }
  return withheld === undefined || !new RegExp(withheld).test(point);
}

// What stood there before is called with the object it belongs to.
/* oxlint-disable typescript/unbound-method */

function watchRedis() {
  const send = Redis.prototype.sendCommand;
  Redis.prototype.sendCommand = function sendCommand(command, stream) {
    const name = scripts.get(String(command.args[0])) ?? command.name;
    if (!reach(`redis ${name} asked`)) return command.promise;
    const { resolve } = command;
    command.resolve = (value) => {
      reach(`redis ${name} answered`);
      resolve(value);
    };
    return send.call(this, command, stream);
  };
}

function watchAsterisk() {
  const { send, emit } = WebSocket.prototype;
  const asked = new Map();
  WebSocket.prototype.send = function sendMessage(text, ...more) {
    const { request_id: id, method, uri } = JSON.parse(text);
    asked.set(id, `asterisk ${method} ${uri}`);
    if (reach(`${asked.get(id)} asked`)) send.call(this, text, ...more);
  };
  WebSocket.prototype.emit = function emitEvent(name, ...parameters) {
    if (name === 'message') {
      const { type, request_id: id } = JSON.parse(String(parameters[0]));
      if (type === 'RESTResponse') reach(`${asked.get(id)} answered`);
    }
    return emit.call(this, name, ...parameters);
  };
}

/** The transaction that settles calls is known by its first statement. */
function watchPostgres() {
  const { query } = Client.prototype;
  const settling = new WeakSet();
  Client.prototype.query = function runQuery(statement, ...more) {
    if (statement.name === 'settle-calls') settling.add(this);
    if (statement !== 'commit' || !settling.delete(this)) return query.call(this, statement, ...more);
    reach('postgres commit asked');
    return query.call(this, statement, ...more).then((result) => {
      reach('postgres commit answered');
      return result;
    });
  };
}

if (isMainThread) {
  watchRedis();
  watchAsterisk();
  watchPostgres();
}
