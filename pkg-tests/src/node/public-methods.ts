/** What is public of the package, read from its types: functions, and the methods of classes, with their comments. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A function or method that the package exports. */
export interface PublicMethod {
  /** As `file: Class.method`. */
  readonly name: string;
  /** Its comment, with that of its class. An overload has that of the first one. */
  readonly comment: string;
  /** Whether it has the comment of what it overrides or implements. */
  readonly isInherited: boolean;
}

const DECLARATION = /^export (?:declare )?(?:abstract )?(?:class|interface|function) (\w+)/;
const METHOD = /^ {4}(?!private|protected|constructor)(?:static |abstract )?(\w+)(?:<.*)?\??\(/;

/** The public methods of the modules that these ones export, themselves included. */
export function publicMethods(entries: readonly string[]): PublicMethod[] {
  const names = new Set<string>();
  const modules = new Set(entries);
  for (const module of modules) {
    const source = readFileSync(module, 'utf8');
    for (const [, list = '', from = ''] of source.matchAll(
      /^export (?:type )?\{([^}]*)\} from '([^']+)\.js';/gm,
    )) {
      for (const name of list.split(',')) names.add(name.replace(/^\s*type |.* as /, '').trim());
      modules.add(join(dirname(module), `${from}.d.ts`));
    }
    for (const [, from = ''] of source.matchAll(/^export \*.* from '([^']+)\.js';/gm)) {
      modules.add(join(dirname(module), `${from}.d.ts`));
    }
  }
  const isEntry = (module: string) => entries.includes(module);
  return [...modules]
    .filter((module) => existsSync(module))
    .flatMap((module) => methodsIn(module, (name) => isEntry(module) || names.has(name)));
}

function methodsIn(module: string, isPublic: (name: string) => boolean): PublicMethod[] {
  const found: PublicMethod[] = [];
  let comment = '';
  let holder = { name: '', comment: '', isPublic: false, isDerived: false };
  let last = '';
  for (const line of blocksOf(readFileSync(module, 'utf8'))) {
    if (line.startsWith('/**')) {
      comment = line;
      continue;
    }
    const declared = DECLARATION.exec(line)?.[1];
    const method = METHOD.exec(line)?.[1];
    if (declared !== undefined) {
      const isDerived = / (extends|implements) /.test(line);
      holder = { name: declared, comment, isPublic: isPublic(declared), isDerived };
      const name = `${module}: ${declared}`;
      if (holder.isPublic && line.includes(' function ') && last !== name) {
        found.push({ name, comment, isInherited: false });
      }
      last = name;
    } else if (method !== undefined) {
      const name = `${module}: ${holder.name}.${method}`;
      const isInternal = comment.includes('@internal');
      if (holder.isPublic && !isInternal && last !== name) {
        const isInherited = holder.isDerived && comment === '';
        found.push({ name, comment: `${holder.comment}\n${comment}`, isInherited });
      }
      last = name;
    }
    comment = '';
  }
  return found;
}

/** Lines, and comments as one each. */
function blocksOf(source: string): string[] {
  return [...source.matchAll(/^ *(\/\*\*.*?\*\/)|^[^\n]+$/gms)].map(([line, comment]) => comment ?? line);
}

/** The methods that no example shows: neither one of their own, nor one of their class that calls them. */
export function withoutExample(methods: readonly PublicMethod[]): string[] {
  return methods
    .filter(({ isInherited }) => !isInherited)
    .filter(({ name, comment }) => {
      const method = name.split(/[.:] ?/).at(-1) ?? '';
      const examples = comment.split('@example').slice(1).join('\n');
      return !new RegExp(`\\b${method}\\b`).test(examples);
    })
    .map(({ name }) => name);
}
