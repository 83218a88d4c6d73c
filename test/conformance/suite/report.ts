/** The suite's results as a page: docs/conformance.md. */
import { knownDeviation, runtimeName } from './known-deviations.ts';
import type { ClaimResult, PropertyResult, SuiteResult } from './property.ts';

/** What the page says of where it was made. */
export interface Occasion {
  readonly date: string;
  readonly kernel: string;
  readonly cgroups: string;
}

/** A claim that a runtime failed. */
export interface Failure {
  readonly property: string;
  readonly claim: ClaimResult;
  /** What the runtime is known to do instead. */
  readonly known: string | undefined;
}

/** The claims that a runtime failed. */
export function failuresOf({ runtime, properties }: SuiteResult): Failure[] {
  return properties.flatMap((property) =>
    property.claims
      .filter((claim) => claim.result === 'failed')
      .map((claim) => ({ property: property.name, claim, known: knownDeviation(runtimeName(runtime), property.name, claim.name) })),
  );
}

/** The page. @param results the first is of the runtime that the page is about */
export function makeReport(results: readonly SuiteResult[], { date, kernel, cgroups }: Occasion): string {
  const names = results.map(({ runtime }) => runtimeName(runtime));
  return `# Conformance to the OCI runtime specification

Made by \`npm run test:conformance\` (scripts/conformance.sh) with the suite in \`test/conformance/\`: each property is a folder there, with
the sentences of the [specification](https://github.com/opencontainers/runtime-spec/tree/v1.2.0), version 1.2.0, that it checks on containers.

${date}; Linux ${kernel}; cgroups ${cgroups}; ${results.map(({ runtime }) => runtime).join(', ')}.

| property | ${names.join(' | ')} |
|---|${names.map(() => '---|').join('')}
${results[0]!.properties.map((property) => row(property.name, results)).join('\n')}
| **all** | ${results.map((result) => `**${summary(result.properties.flatMap(({ claims }) => claims))}**`).join(' | ')} |

${results.map(failuresSection).join('\n')}
## Not applicable on this machine

${reasons(results[0]!).join('\n')}
`;
}

function row(name: string, results: readonly SuiteResult[]): string {
  const cells = results.map(({ properties }) => summary(properties.find((property) => property.name === name)?.claims ?? []));
  return `| [${name}](../test/conformance/${name}/property.ts) | ${cells.join(' | ')} |`;
}

/** `3 passed, 1 failed, 1 not applicable`, without those that are none. */
function summary(claims: readonly ClaimResult[]): string {
  const counts = (['passed', 'failed', 'not applicable'] as const).map((kind) => [claims.filter(({ result }) => result === kind).length, kind] as const);
  return counts
    .filter(([count]) => count > 0)
    .map(([count, kind]) => `${count} ${kind}`)
    .join(', ');
}

function failuresSection(result: SuiteResult): string {
  const failures = failuresOf(result);
  const lines = failures.map(({ property, claim, known }) => `- ${property}, *${claim.name}* (${claim.spec}): ${known ?? firstLine(claim.detail)}`);
  return `## What ${runtimeName(result.runtime)} does otherwise\n\n${lines.length > 0 ? lines.join('\n') : 'Nothing.'}\n`;
}

/** The beginning of a message, as one line of Markdown. */
function firstLine(detail = ''): string {
  const [line = ''] = detail.split('\n').filter((text) => text.trim() !== '' && !text.startsWith('Expected values to be') && !text.startsWith('+ actual'));
  return `\`${line.trim().replaceAll('`', "'").slice(0, 160)}\``;
}

function reasons({ properties }: SuiteResult): string[] {
  return properties.flatMap(({ name, claims }: PropertyResult) =>
    claims.filter(({ result }) => result === 'not applicable').map((claim) => `- ${name}, *${claim.name}*: ${claim.detail}`),
  );
}
