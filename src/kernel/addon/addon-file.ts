/** The addon's file: it lies beside the bundles, in dist/. */
export const addonFile = 'syscall.node';
