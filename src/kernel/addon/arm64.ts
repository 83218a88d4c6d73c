/**
 * The addon's code for arm64: the same functions as in x64.ts. x19 points to the block, x20 is the environment, x21 the exports or a block that waits.
 * Encodings: Arm Architecture Reference Manual, A64 base instructions; calls: Procedure Call Standard for the Arm 64-bit Architecture.
 */
import type { Assembler } from '../machine-code/assembler.ts';
import { add, ldr64, minusOne, mov, movz, RET, str64, sub, SVC } from '../machine-code/arm64.ts';
import { addonFunctions, blockLayout, blockName, registration, type NodeApi } from './block.ts';

const BLOCK = 19,
  ENVIRONMENT = 20,
  THIRD = 21,
  TARGET = 16,
  SP = 31;
/** Of the stack: the frame record and the registers to be given back, and then the count of arguments, the first of them, and the block's address. */
const frame = { registers: 16, count: 48, argument: 56, block: 64, value: 72, size: 80 } as const;

/** stp or ldp of two registers at an offset from sp. */
const pair = (opcode: number, t: number, t2: number, offset: number): number => (opcode | ((offset / 8) << 15) | (t2 << 10) | (SP << 5) | t) >>> 0;
const STP = 0xa9000000,
  LDP = 0xa9400000;
const blr = (n: number): number => (0xd63f0000 | (n << 5)) >>> 0;

/** The address of a label, which is less than a megabyte away. */
function adr(code: Assembler, register: number, label: string): void {
  code.reference(label, (view, at, distance) =>
    view.setUint32(at, (0x10000000 | ((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5) | register) >>> 0, true),
  );
  code.word(0);
}

function callApi(code: Assembler, name: NodeApi): void {
  adr(code, TARGET, name);
  code.word(ldr64(TARGET, TARGET, 0)).word(blr(TARGET));
}

/** Loads a system call from the block at x19, makes it, and stores what it returned there. */
function systemCall(code: Assembler): void {
  const { number, args } = blockLayout;
  code.word(ldr64(8, BLOCK, number));
  for (let i = 0; i < 6; i++) code.word(ldr64(i, BLOCK, args + 8 * i));
  code.word(SVC).word(str64(0, BLOCK, number));
}

/** Saves what a function has to give back. */
function enter(code: Assembler): void {
  code.word(sub(SP, SP, frame.size));
  code.word(pair(STP, 29, 30, 0)).word(add(29, SP, 0));
  code.word(pair(STP, BLOCK, ENVIRONMENT, frame.registers)).word(str64(THIRD, SP, frame.registers + 16));
}

function leave(code: Assembler): void {
  code.word(pair(LDP, BLOCK, ENVIRONMENT, frame.registers)).word(ldr64(THIRD, SP, frame.registers + 16));
  code
    .word(pair(LDP, 29, 30, 0))
    .word(add(SP, SP, frame.size))
    .word(RET);
}

/** The begin of a function of JavaScript. */
function begin(code: Assembler, name: string): void {
  code.label(name);
  enter(code);
  code
    .word(mov(ENVIRONMENT, 0))
    .word(movz(2, 1))
    .word(str64(2, SP, frame.count));
  code
    .word(add(2, SP, frame.count))
    .word(add(3, SP, frame.argument))
    .word(movz(4, 0)) // `this` is not asked for
    .word(add(5, SP, frame.block));
  callApi(code, 'napi_get_cb_info');
  code.word(ldr64(BLOCK, SP, frame.block));
}

/** Its end, with `undefined` or with the value that lies in the stack. */
function end(code: Assembler, value?: number): void {
  code.word(value === undefined ? movz(0, 0) : ldr64(0, SP, value));
  leave(code);
}

/** Adds all of it. Labels of Node-API's functions are the places of their addresses. */
export function addonArm64(code: Assembler): void {
  const { number, args, address, deferred, work, size } = blockLayout;
  const environment = mov(0, ENVIRONMENT);

  begin(code, 'call');
  systemCall(code);
  end(code);

  begin(code, 'address');
  code.word(movz(0, 0)).word(str64(0, BLOCK, address));
  code
    .word(environment)
    .word(ldr64(1, SP, frame.argument))
    .word(movz(2, 0))
    .word(movz(3, 0));
  code
    .word(add(4, BLOCK, address))
    .word(movz(5, 0))
    .word(movz(6, 0));
  callApi(code, 'napi_get_typedarray_info');
  end(code);

  begin(code, 'view');
  code.word(movz(0, 0)).word(str64(0, SP, frame.value));
  code
    .word(environment)
    .word(ldr64(1, BLOCK, args))
    .word(ldr64(2, BLOCK, args + 8));
  code
    .word(movz(3, 0))
    .word(movz(4, 0))
    .word(add(5, SP, frame.value));
  callApi(code, 'napi_create_external_arraybuffer');
  end(code, frame.value);

  begin(code, 'enter');
  for (let i = 0; i < 3; i++) code.word(ldr64(i, BLOCK, args + 8 * i));
  code
    .word(ldr64(TARGET, BLOCK, number))
    .word(blr(TARGET))
    .word(str64(0, BLOCK, number));
  end(code);

  begin(code, 'wait');
  code.word(ldr64(THIRD, BLOCK, args));
  code
    .word(environment)
    .word(add(1, THIRD, deferred))
    .word(add(2, SP, frame.value));
  callApi(code, 'napi_create_promise');
  code
    .word(environment)
    .word(movz(1, 0))
    .word(ldr64(2, SP, frame.argument));
  adr(code, 3, 'execute');
  adr(code, 4, 'complete');
  code.word(mov(5, THIRD)).word(add(6, THIRD, work));
  callApi(code, 'napi_create_async_work');
  code.word(environment).word(ldr64(1, THIRD, work));
  callApi(code, 'napi_queue_async_work');
  end(code, frame.value);

  // On libuv's thread: void execute(env, block).
  code.label('execute');
  enter(code);
  code.word(mov(BLOCK, 1));
  systemCall(code);
  leave(code);

  // On Node's thread again: void complete(env, status, block).
  code.label('complete');
  enter(code);
  code.word(mov(ENVIRONMENT, 0)).word(mov(BLOCK, 2));
  code.word(add(1, SP, frame.value));
  callApi(code, 'napi_get_undefined');
  code
    .word(environment)
    .word(ldr64(1, BLOCK, deferred))
    .word(ldr64(2, SP, frame.value));
  callApi(code, 'napi_resolve_deferred');
  code.word(environment).word(ldr64(1, BLOCK, work));
  callApi(code, 'napi_delete_async_work');
  leave(code);

  // napi_value napi_register_module_v1(env, exports): a block, and the functions, which are called with it.
  code.label(registration);
  enter(code);
  code.word(mov(ENVIRONMENT, 0)).word(mov(THIRD, 1));
  code
    .word(movz(1, size))
    .word(add(2, SP, frame.block))
    .word(add(3, SP, frame.value));
  callApi(code, 'napi_create_arraybuffer');
  code.word(ldr64(BLOCK, SP, frame.block));
  const set = (name: string): void => {
    code.word(environment).word(mov(1, THIRD));
    adr(code, 2, `name of ${name}`);
    code.word(ldr64(3, SP, frame.value));
    callApi(code, 'napi_set_named_property');
  };
  set(blockName);
  for (const name of addonFunctions) {
    code.word(environment);
    adr(code, 1, `name of ${name}`);
    code.word(minusOne(2)); // -1: up to its NUL
    adr(code, 3, name);
    code.word(mov(4, BLOCK)).word(add(5, SP, frame.value));
    callApi(code, 'napi_create_function');
    set(name);
  }
  code.word(mov(0, THIRD));
  leave(code);
}
