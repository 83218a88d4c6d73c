/** The version of the OCI runtime specification that hako-oci implements, in features, --version and the configs that it writes. */
export const specVersion = '1.2.0';
