/** The types of namespaces, for the commands: they import nothing below src/element/. */
export { namespaceKind, namespaceKinds, type NamespaceType } from '../../kernel/namespace.ts';
