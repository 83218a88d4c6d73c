/**
 * The addon's code for x86-64. Functions of JavaScript are called with the environment and their call's information; rbx then points to the block,
 * r12 is the environment. Both, r13, and the stack below are as the System V ABI wants them.
 */
import type { Assembler } from '../machine-code/assembler.ts';
import { addonFunctions, blockLayout, blockName, registration, type NodeApi } from './block.ts';

/** Of the stack, while a function of JavaScript runs: the count of arguments, the first of them, the block's address, and two words more. */
const frame = { seventh: 0, count: 0, argument: 8, block: 16, job: 24, value: 32, size: 40 } as const;

/** An instruction that ends with the distance from its end to a label. */
function relative(code: Assembler, opcode: readonly number[], label: string): void {
  code.bytes(...opcode);
  code.reference(label, (view, at, distance) => view.setInt32(at, distance - 4, true)).word(0);
}
const callApi = (code: Assembler, name: NodeApi): void => relative(code, [0xff, 0x15], name); // call [rip+…]
const lea = { rsi: [0x48, 0x8d, 0x35], rcx: [0x48, 0x8d, 0x0d], r8: [0x4c, 0x8d, 0x05] } as const; // lea REG, [rip+…]

/** Loads a system call from the block at rbx, makes it, and stores what it returned there. */
function systemCall(code: Assembler): void {
  const { number, args } = blockLayout;
  // mov REG, [rbx+…]: rax rdi rsi rdx r10 r8 r9
  code.bytes(0x48, 0x8b, 0x43, number, 0x48, 0x8b, 0x7b, args, 0x48, 0x8b, 0x73, args + 8, 0x48, 0x8b, 0x53, args + 16);
  code.bytes(0x4c, 0x8b, 0x53, args + 24, 0x4c, 0x8b, 0x43, args + 32, 0x4c, 0x8b, 0x4b, args + 40);
  code.bytes(0x0f, 0x05); // syscall
  code.bytes(0x48, 0x89, 0x43, number); // mov [rbx+number], rax
}

/** The begin of a function of JavaScript. */
function begin(code: Assembler, name: string): void {
  code.label(name);
  code.bytes(0x53, 0x41, 0x54, 0x48, 0x83, 0xec, frame.size); // push rbx; push r12; sub rsp, size
  code.bytes(0x49, 0x89, 0xfc); // mov r12, rdi
  code.bytes(0x48, 0xc7, 0x44, 0x24, frame.count, 1, 0, 0, 0); // mov qword [rsp+count], 1
  code.bytes(0x48, 0x8d, 0x54, 0x24, frame.count); // lea rdx, [rsp+count]
  code.bytes(0x48, 0x8d, 0x4c, 0x24, frame.argument); // lea rcx, [rsp+argument]
  code.bytes(0x45, 0x31, 0xc0); // xor r8d, r8d: `this` is not asked for
  code.bytes(0x4c, 0x8d, 0x4c, 0x24, frame.block); // lea r9, [rsp+block]
  callApi(code, 'napi_get_cb_info');
  code.bytes(0x48, 0x8b, 0x5c, 0x24, frame.block); // mov rbx, [rsp+block]
}

/** Its end, with `undefined` or with the value that lies in the stack. */
function end(code: Assembler, value?: number): void {
  if (value === undefined) code.bytes(0x31, 0xc0); // xor eax, eax
  else code.bytes(0x48, 0x8b, 0x44, 0x24, value); // mov rax, [rsp+value]
  code.bytes(0x48, 0x83, 0xc4, frame.size, 0x41, 0x5c, 0x5b, 0xc3); // add rsp, size; pop r12; pop rbx; ret
}

/** Adds all of it. Labels of Node-API's functions are the places of their addresses. */
export function addonX64(code: Assembler): void {
  const { number, args, address, deferred, work, size } = blockLayout;
  const environment = [0x4c, 0x89, 0xe7]; // mov rdi, r12

  begin(code, 'call');
  systemCall(code);
  end(code);

  // The bytes of the typed array that is the argument; zero where it is none.
  begin(code, 'address');
  code.bytes(0x48, 0xc7, 0x43, address, 0, 0, 0, 0); // mov qword [rbx+address], 0
  code.bytes(...environment, 0x48, 0x8b, 0x74, 0x24, frame.argument); // mov rsi, [rsp+argument]
  code.bytes(0x31, 0xd2, 0x31, 0xc9, 0x4c, 0x8d, 0x43, address, 0x45, 0x31, 0xc9); // xor edx, edx; xor ecx, ecx; lea r8, [rbx+address]; xor r9d, r9d
  code.bytes(0x48, 0xc7, 0x44, 0x24, frame.seventh, 0, 0, 0, 0); // mov qword [rsp+seventh], 0
  callApi(code, 'napi_get_typedarray_info');
  end(code);

  // An ArrayBuffer of the memory at args[0], args[1] bytes long.
  begin(code, 'view');
  code.bytes(0x48, 0xc7, 0x44, 0x24, frame.value, 0, 0, 0, 0); // mov qword [rsp+value], 0
  code.bytes(...environment, 0x48, 0x8b, 0x73, args, 0x48, 0x8b, 0x53, args + 8); // mov rsi, [rbx+args]; mov rdx, [rbx+args+8]
  code.bytes(0x31, 0xc9, 0x45, 0x31, 0xc0, 0x4c, 0x8d, 0x4c, 0x24, frame.value); // xor ecx, ecx; xor r8d, r8d; lea r9, [rsp+value]
  callApi(code, 'napi_create_external_arraybuffer');
  end(code, frame.value);

  // Machine code at the address that stands for the number, with three arguments.
  begin(code, 'enter');
  code.bytes(0x48, 0x8b, 0x7b, args, 0x48, 0x8b, 0x73, args + 8, 0x48, 0x8b, 0x53, args + 16); // mov rdi, rsi, rdx
  code.bytes(0xff, 0x53, number, 0x48, 0x89, 0x43, number); // call [rbx+number]; mov [rbx+number], rax
  end(code);

  // The system call in the block at args[0], by a thread of libuv's. The argument names the work; a promise is returned.
  begin(code, 'wait');
  code.bytes(0x48, 0x8b, 0x43, args, 0x48, 0x89, 0x44, 0x24, frame.job); // mov rax, [rbx+args]; mov [rsp+job], rax
  code.bytes(...environment, 0x48, 0x8d, 0x70, deferred, 0x48, 0x8d, 0x54, 0x24, frame.value); // lea rsi, [rax+deferred]; lea rdx, [rsp+value]
  callApi(code, 'napi_create_promise');
  code.bytes(...environment, 0x31, 0xf6, 0x48, 0x8b, 0x54, 0x24, frame.argument); // xor esi, esi; mov rdx, [rsp+argument]
  relative(code, lea.rcx, 'execute');
  relative(code, lea.r8, 'complete');
  code.bytes(0x4c, 0x8b, 0x4c, 0x24, frame.job); // mov r9, [rsp+job]
  code.bytes(0x49, 0x8d, 0x41, work, 0x48, 0x89, 0x44, 0x24, frame.seventh); // lea rax, [r9+work]; mov [rsp+seventh], rax
  callApi(code, 'napi_create_async_work');
  code.bytes(...environment, 0x48, 0x8b, 0x44, 0x24, frame.job, 0x48, 0x8b, 0x70, work); // mov rax, [rsp+job]; mov rsi, [rax+work]
  callApi(code, 'napi_queue_async_work');
  end(code, frame.value);

  // On libuv's thread: void execute(env, block).
  code.label('execute').bytes(0x53, 0x48, 0x89, 0xf3); // push rbx; mov rbx, rsi
  systemCall(code);
  code.bytes(0x5b, 0xc3); // pop rbx; ret

  // On Node's thread again: void complete(env, status, block).
  code.label('complete').bytes(0x53, 0x41, 0x54, 0x48, 0x83, 0xec, 8); // push rbx; push r12; sub rsp, 8
  code.bytes(0x49, 0x89, 0xfc, 0x48, 0x89, 0xd3, 0x48, 0x89, 0xe6); // mov r12, rdi; mov rbx, rdx; mov rsi, rsp
  callApi(code, 'napi_get_undefined');
  code.bytes(...environment, 0x48, 0x8b, 0x73, deferred, 0x48, 0x8b, 0x14, 0x24); // mov rsi, [rbx+deferred]; mov rdx, [rsp]
  callApi(code, 'napi_resolve_deferred');
  code.bytes(...environment, 0x48, 0x8b, 0x73, work); // mov rsi, [rbx+work]
  callApi(code, 'napi_delete_async_work');
  code.bytes(0x48, 0x83, 0xc4, 8, 0x41, 0x5c, 0x5b, 0xc3); // add rsp, 8; pop r12; pop rbx; ret

  // napi_value napi_register_module_v1(env, exports): a block, and the functions, which are called with it.
  const data = 0;
  const value = 8;
  code.label(registration).bytes(0x53, 0x41, 0x54, 0x41, 0x55, 0x48, 0x83, 0xec, 16); // push rbx; push r12; push r13; sub rsp, 16
  code.bytes(0x49, 0x89, 0xfc, 0x49, 0x89, 0xf5); // mov r12, rdi; mov r13, rsi
  code.bytes(0xbe).word(size); // mov esi, size
  code.bytes(0x48, 0x8d, 0x54, 0x24, data, 0x48, 0x8d, 0x4c, 0x24, value); // lea rdx, [rsp+data]; lea rcx, [rsp+value]
  callApi(code, 'napi_create_arraybuffer');
  code.bytes(0x48, 0x8b, 0x5c, 0x24, data); // mov rbx, [rsp+data]
  const set = (name: string): void => {
    code.bytes(...environment, 0x4c, 0x89, 0xee); // mov rsi, r13
    relative(code, [0x48, 0x8d, 0x15], `name of ${name}`); // lea rdx, [rip+…]
    code.bytes(0x48, 0x8b, 0x4c, 0x24, value); // mov rcx, [rsp+value]
    callApi(code, 'napi_set_named_property');
  };
  set(blockName);
  for (const name of addonFunctions) {
    code.bytes(...environment);
    relative(code, lea.rsi, `name of ${name}`);
    code.bytes(0x48, 0xc7, 0xc2, 0xff, 0xff, 0xff, 0xff); // mov rdx, -1: up to its NUL
    relative(code, lea.rcx, name);
    code.bytes(0x49, 0x89, 0xd8, 0x4c, 0x8d, 0x4c, 0x24, value); // mov r8, rbx; lea r9, [rsp+value]
    callApi(code, 'napi_create_function');
    set(name);
  }
  code.bytes(0x4c, 0x89, 0xe8, 0x48, 0x83, 0xc4, 16, 0x41, 0x5d, 0x41, 0x5c, 0x5b, 0xc3); // mov rax, r13; add rsp, 16; pop r13; pop r12; pop rbx; ret
}
