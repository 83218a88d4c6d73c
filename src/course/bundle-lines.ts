/** A bundle of the OCI runtime specification for scenes: config.json as `hako-oci spec` writes it, and a root with the machine's /usr. */
import { rootfsLines } from './rootfs-lines.ts';

/** Lines of sh(1). @param directory absolute, in the lab @param args the program, as JSON */
export const bundleLines = (directory: string, args: string): string => `${rootfsLines(`${directory}/rootfs`)}
cd ${directory}
hako-oci spec
sed -i 's/"terminal": true/"terminal": false/; s/"readonly": true/"readonly": false/' config.json
perl -0pi -e 's/"args": \\[[^]]*\\]/"args": ${args}/' config.json
`;
