/** Go templates over data as the engine answers it; what is expected here is what Docker's `--format` prints. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { compileTemplate } from './template.ts';
import { TemplateError } from './template-lexer.ts';

const data = {
  Name: 'web',
  Id: 'sha256:0123',
  Count: 3,
  Big: 1700000000000000001n,
  Flag: false,
  Nothing: null,
  Labels: { b: '2', a: '1' },
  List: ['x', 'y'],
  State: { Running: true, Pid: 42 },
  Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '90/tcp': null },
  Label: (key: string) => `label ${key}`,
};

const cases: readonly (readonly [template: string, text: string])[] = [
  ['plain', 'plain'],
  ['{{.Name}}/{{.State.Pid}}', 'web/42'],
  ['{{ .Count }} {{.Flag}} {{.Nothing}} {{.Big}}', '3 false <nil> 1700000000000000001'],
  ['{{.Labels}} {{.List}}', 'map[a:1 b:2] [x y]'],
  ['{{json .Labels}} {{json .List}} {{json .Nothing}} {{json .Big}}', '{"b":"2","a":"1"} ["x","y"] null 1700000000000000001'],
  ['{{index .Labels "a"}}-{{index .Labels "zz"}}-{{index .List 1}}', '1--y'],
  ['{{(index (index .Ports "80/tcp") 0).HostPort}}', '8080'],
  ['{{range .List}}<{{.}}>{{end}}', '<x><y>'],
  ['{{range $i, $e := .List}}{{if $i}},{{end}}{{$i}}={{$e}}{{end}}', '0=x,1=y'],
  ['{{range $k, $v := .Labels}}{{$k}}:{{$v}} {{end}}', 'a:1 b:2 '],
  ['{{range $p, $b := .Ports}}{{$p}}{{range $b}} {{.HostPort}}{{else}} closed{{end}};{{end}}', '80/tcp 8080;90/tcp closed;'],
  ['{{range .List}}{{if eq . "y"}}{{break}}{{end}}{{.}}{{end}}', 'x'],
  ['{{range .List}}{{if eq . "x"}}{{continue}}{{end}}{{.}}{{end}}', 'y'],
  ['{{if .Flag}}yes{{else if .State.Running}}running{{else}}no{{end}}', 'running'],
  ['{{if and .State.Running (not .Flag)}}a{{end}}{{if or .Flag .Nothing}}b{{else}}c{{end}}', 'ac'],
  ['{{with .State}}{{.Pid}} {{$.Name}}{{end}}{{with .Nothing}}x{{else}}none{{end}}', '42 webnone'],
  ['{{$n := .Name}}{{$n = upper $n}}{{$n | printf "%s!"}}', 'WEB!'],
  ['{{.Name | upper | printf "%-5s|"}}', 'WEB  |'],
  ['{{join .List ", "}} {{upper .Name}} {{lower "AB"}} {{title "ab cd"}} {{split "a:b" ":"}}', 'x, y WEB ab Ab Cd [a b]'],
  ['{{len .Name}} {{len .List}} {{len .Labels}}', '3 2 2'],
  ['{{eq .Name "a" "web"}} {{ne .Count 3}} {{lt .Count 4}} {{ge .Name "w"}}', 'true false true true'],
  ['{{printf "%05d %5.2f %q %x %v %t" .Count 3.14159 "a" "hi" .List true}}', '00003  3.14 "a" 6869 [x y] true'],
  ['{{println "a" 1}}{{print 1 2 "b" "c"}}', 'a 1\n1 2bc'],
  ['{{slice .Id 7}} {{slice .Id 7 9}} {{truncate .Name 2}}', '0123 01 we'],
  ['a  {{- .Name -}}  b', 'awebb'],
  ['{{/* a comment */}}{{- /* another */ -}}  x', 'x'],
  ['{{"quoted \\"text\\"\\t."}}{{`raw\\n`}}', 'quoted "text"\t.raw\\n'],
  ['{{.Label "key"}} {{.Label "x" | upper}}', 'label key LABEL X'],
  ['{{range .List}}{{$.Name}}{{end}}', 'webweb'],
  ['{{if .Health}}h{{else}}no health{{end}}', 'no health'],
];

for (const [template, text] of cases) test(`${template} → ${JSON.stringify(text)}`, () => assert.equal(compileTemplate(template)(data), text));

const wrong: readonly (readonly [template: string, message: RegExp])[] = [
  ['{{.Nmae}}', /there is no field Nmae \(there are Name, Id,/],
  ['{{.Nothing.X}}', /field X of nothing/],
  ['{{.Name.X}}', /field X of "web"/],
  ['{{.Name', /not closed/],
  ['{{if .Flag}}', /\{\{if\}\} has no \{\{end\}\}/],
  ['{{end}}', /without a block/],
  ['{{nosuch .Name}}', /function "nosuch" not defined/],
  ['{{$x}}', /undefined variable \$x/],
  ['{{index .List 5}}', /out of range/],
  ['{{(.Name}}', /\) is missing/],
  ['{{lt .Name 3}}', /can't compare/],
  ['{{}}', /empty/],
  ['{{.Name ; }}', /unexpected ";"/],
];

for (const [template, message] of wrong) {
  test(`${template} is refused`, () =>
    assert.throws(
      () => compileTemplate(template)(data),
      (error: unknown) => error instanceof TemplateError && message.test(error.message),
    ));
}
