// What changes and who hears of it: signals, values computed of them, effects, and who owns an effect.
// @ts-check

/**
 * Something that can be read and followed; `begin` and `end` say that the first follower came, the last went.
 * @typedef {{version: number, followers: Set<Follower>, refresh(): void, begin?(): void, end?(): void}} Source
 */
/**
 * Something that reads sources; while it is live it is told when they may have changed.
 * @typedef {{sources: Map<Source, number>, isLive: boolean, stale(): void}} Follower
 */
/**
 * A value that can be read and followed: `.value` follows, `.peek()` does not.
 * @template T
 * @typedef {{readonly value: T, peek(): T}} Readable
 */

/** @type {Follower | null} */
let reader = null;
/** @type {Scope | null} */
let owner = null;
/** @type {Set<Effect>} */
const waiting = new Set();
let isScheduled = false;
/** Rounds of effects that set off effects, before that is taken for a circle. */
const roundsMax = 100;

/** Rises with every value that is set: what was looked at since is still so. */
let epoch = 0;

/** @param {Source} source */
function follow(source) {
  if (!reader) return;
  reader.sources.set(source, source.version);
  if (reader.isLive) join(source, reader);
}

/** @param {Source} source @param {Follower} follower */
function join(source, follower) {
  if (source.followers.size === 0) source.begin?.();
  source.followers.add(follower);
}

/** @param {Source} source @param {Follower} follower */
function leave(source, follower) {
  if (source.followers.delete(follower) && source.followers.size === 0) source.end?.();
}

/**
 * A value that can be set.
 * @template T
 */
export class Signal {
  /** @param {T} value */
  constructor(value) {
    this.current = value;
    this.version = 0;
    /** @type {Set<Follower>} */
    this.followers = new Set();
  }

  get value() {
    follow(this);
    return this.current;
  }

  set value(value) {
    if (Object.is(value, this.current)) return;
    this.current = value;
    this.version += 1;
    epoch += 1;
    for (const follower of [...this.followers]) follower.stale();
  }

  /** The value, without following it. */
  peek() {
    return this.current;
  }

  refresh() {}
}

/**
 * A value computed of others when it is asked for. Its sources know it only while somebody follows it, so that
 * nobody keeps what has been left; a failure is kept like a value, and thrown to whoever reads it.
 * @template T
 */
export class Computed {
  /** @param {() => T} compute */
  constructor(compute) {
    this.compute = compute;
    this.version = 0;
    this.isStale = true;
    this.checkedAt = -1;
    /** @type {Set<Follower>} */
    this.followers = new Set();
    /** @type {Map<Source, number>} */
    this.sources = new Map();
    /** @type {T} */
    this.current = /** @type {any} */ (undefined);
    /** @type {{error: unknown} | null} */
    this.failure = null;
  }

  get isLive() {
    return this.followers.size > 0;
  }

  get value() {
    this.refresh();
    follow(this);
    if (this.failure) throw this.failure.error;
    return this.current;
  }

  /** The value, without following it. */
  peek() {
    this.refresh();
    if (this.failure) throw this.failure.error;
    return this.current;
  }

  stale() {
    if (this.isStale) return;
    this.isStale = true;
    for (const follower of [...this.followers]) follower.stale();
  }

  begin() {
    this.isStale = false;
    for (const source of this.sources.keys()) join(source, this);
  }

  end() {
    for (const source of this.sources.keys()) leave(source, this);
  }

  refresh() {
    if (this.version > 0) {
      // Whom nobody follows is told of nothing, and looks.
      if (this.isLive ? !this.isStale : this.checkedAt === epoch) return;
      if (!hasChanged(this)) return this.checked();
    }
    const before = this.failure;
    let value = this.current;
    try {
      value = reading(this, this.compute);
      this.failure = null;
    } catch (error) {
      this.failure = { error };
    }
    this.checked();
    if (this.version > 0 && !this.failure && !before && Object.is(value, this.current)) return;
    this.current = value;
    this.version += 1;
  }

  checked() {
    this.isStale = false;
    this.checkedAt = epoch;
  }
}

/** @param {Follower} follower */
function hasChanged(follower) {
  for (const [source, version] of follower.sources) {
    source.refresh();
    if (source.version !== version) return true;
  }
  return false;
}

/**
 * Runs `body` with `follower` as the one who reads.
 * @template T
 * @param {Follower} follower
 * @param {() => T} body
 * @returns {T}
 */
function reading(follower, body) {
  const old = follower.sources;
  follower.sources = new Map();
  const before = reader;
  reader = follower;
  try {
    return body();
  } finally {
    reader = before;
    for (const source of old.keys()) {
      if (!follower.sources.has(source)) leave(source, follower);
    }
  }
}

/** What is undone together: effects, listeners, timers. */
export class Scope {
  constructor() {
    /** @type {(() => void)[]} */
    this.ends = [];
    this.isEnded = false;
  }

  /**
   * Runs `body`; what it makes belongs to this scope.
   * @template T
   * @param {() => T} body
   * @returns {T}
   */
  run(body) {
    const before = owner;
    const beforeReader = reader;
    owner = this;
    reader = null;
    try {
      return body();
    } finally {
      owner = before;
      reader = beforeReader;
    }
  }

  /** Undoes what belongs to it, latest first. */
  end() {
    this.isEnded = true;
    for (const end of this.ends.splice(0).reverse()) end();
  }
}

class Effect {
  /** @param {() => void} body */
  constructor(body) {
    this.body = body;
    /** @type {Map<Source, number>} */
    this.sources = new Map();
    this.scope = new Scope();
    this.isEnded = false;
  }

  get isLive() {
    return !this.isEnded;
  }

  stale() {
    if (this.isEnded) return;
    waiting.add(this);
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(flush);
  }

  run() {
    if (this.isEnded) return;
    this.scope.end();
    this.scope.isEnded = false;
    const before = owner;
    owner = this.scope;
    try {
      reading(this, this.body);
    } finally {
      owner = before;
    }
  }

  end() {
    this.isEnded = true;
    waiting.delete(this);
    for (const source of this.sources.keys()) leave(source, this);
    this.sources.clear();
    this.scope.end();
  }
}

/** Runs all effects that wait, at once; otherwise they run before the browser draws. */
export function flush() {
  isScheduled = false;
  for (let round = 0; waiting.size > 0; round += 1) {
    if (round === roundsMax) {
      waiting.clear();
      throw new Error("effects set each other off without end");
    }
    const now = [...waiting];
    waiting.clear();
    for (const effect of now) {
      try {
        if (!effect.isEnded && hasChanged(effect)) effect.run();
      } catch (error) {
        // One broken part of the page must not stop the others.
        reportError(error);
      }
    }
  }
}

/**
 * A signal.
 * @template T
 * @param {T} value
 * @returns {Signal<T>}
 */
export const signal = (value) => new Signal(value);

/**
 * A value computed of others, when asked for, once per change.
 * @template T
 * @param {() => T} compute
 * @returns {Computed<T>}
 */
export const computed = (compute) => new Computed(compute);

/**
 * Runs `body` now, and again whenever what it read has changed, until its owner ends.
 * @param {() => void} body
 * @returns {() => void} Ends it.
 */
export function effect(body) {
  const made = new Effect(body);
  owner?.ends.push(() => made.end());
  made.run();
  return () => made.end();
}

/**
 * Has `end` called when the present owner ends: a page that is left, a row that is removed.
 * @param {() => void} end
 */
export function onEnd(end) {
  owner?.ends.push(end);
}

/**
 * Reads without following.
 * @template T
 * @param {() => T} body
 * @returns {T}
 */
export function untracked(body) {
  const before = reader;
  reader = null;
  try {
    return body();
  } finally {
    reader = before;
  }
}

/** The scope that owns what is made now; give it to {@link Scope.run} from callbacks. */
export const currentScope = () => owner;
