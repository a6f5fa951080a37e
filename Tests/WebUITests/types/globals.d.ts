// What browsers have and TypeScript 4.8 does not know yet.
declare function reportError(error: unknown): void;
interface Navigator { locks: any }
