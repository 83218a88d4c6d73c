/** The memory that the addon and JavaScript have in common, and what the addon is made of whatever the architecture. */

/**
 * Byte offsets in a block of eight-byte words: a system call's number, which its result replaces, and its arguments. The addon has such a block for
 * each environment (each thread of Node); a call that waits elsewhere has one of its own, with what else belongs to it.
 */
export const blockLayout = {
  number: 0,
  args: 8,
  /** Where a buffer's bytes are: what `address` answers. */
  address: 56,
  /** Of a call that waits: the promise that is to be kept, and its place in libuv's queue. */
  deferred: 64,
  work: 72,
  size: 80,
} as const;

/** The function by which Node begins. See Node-API, "Module registration". */
export const registration = 'napi_register_module_v1';

/** What the addon's functions are called in JavaScript, where their code has the same name for a label. */
export const addonFunctions = ['call', 'address', 'view', 'enter', 'wait'] as const;

/** The block's name in JavaScript. */
export const blockName = 'block';

/** The functions of Node-API that it calls. */
export const nodeApi = [
  'napi_create_arraybuffer',
  'napi_create_async_work',
  'napi_create_external_arraybuffer',
  'napi_create_function',
  'napi_create_promise',
  'napi_delete_async_work',
  'napi_get_cb_info',
  'napi_get_typedarray_info',
  'napi_get_undefined',
  'napi_queue_async_work',
  'napi_resolve_deferred',
  'napi_set_named_property',
] as const;

/** A function of Node-API. */
export type NodeApi = (typeof nodeApi)[number];
