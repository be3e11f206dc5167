import { posix } from 'node:path';
import { type DataTransfer, type DataTransferItem, FileType, Uri, workspace } from 'vscode';

/** Something that somebody dropped: of this computer by its path, of another place of VS Code, or only its bytes. */
export type Dropped =
  | { readonly kind: 'path'; readonly name: string; readonly path: string }
  | { readonly kind: 'uri'; readonly name: string; readonly uri: Uri }
  | { readonly kind: 'bytes'; readonly name: string; read(): Thenable<Uint8Array> };

/** What is packed of it: directories before what they hold, names below the place where it goes. */
export interface PackedEntry {
  readonly name: string;
  /** Undefined: a directory. */
  readonly bytes: Uint8Array | undefined;
}

export const uriList = 'text/uri-list';

/** Whatever can be copied, each once: a browser or a file manager may give a file both as an address and as itself. */
export async function droppedOf(transfer: DataTransfer): Promise<readonly Dropped[]> {
  const found = new Map<string, Dropped>();
  for (const [mime, item] of transfer) {
    const some = mime === uriList ? await ofList(item) : ofFile(item);
    for (const one of some) if (mime === uriList || !found.has(one.name)) found.set(one.name, one);
  }
  return [...found.values()];
}

/** RFC 2483: a line each, those with a number sign are comments. What is no address is left out. */
async function ofList(item: DataTransferItem): Promise<readonly Dropped[]> {
  const lines = (await item.asString()).split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  return lines.flatMap((line) => {
    const uri = parsed(line);
    return uri ? [ofUri(uri)] : [];
  });
}

function ofFile(item: DataTransferItem): readonly Dropped[] {
  const file = item.asFile();
  if (!file) return [];
  const name = posix.basename(file.name);
  if (file.uri) return [ofUri(file.uri)];
  return isName(name) ? [{ kind: 'bytes', name, read: () => file.data() }] : [];
}

function ofUri(uri: Uri): Dropped {
  const name = posix.basename(uri.path);
  return uri.scheme === 'file' ? { kind: 'path', name, path: uri.fsPath } : { kind: 'uri', name, uri };
}

function parsed(line: string): Uri | undefined {
  try {
    const uri = Uri.parse(line, true);
    return isName(posix.basename(uri.path)) ? uri : undefined;
  } catch {
    return undefined;
  }
}

const isName = (name: string): boolean => name !== '' && name !== '.' && name !== '..';

/** What is not on this computer, read through VS Code. Links are what they lead to. */
export async function* packedOf(
  dropped: Exclude<Dropped, { kind: 'path' }>,
  signal: AbortSignal,
): AsyncGenerator<PackedEntry> {
  if (dropped.kind === 'bytes') yield { name: dropped.name, bytes: await dropped.read() };
  else yield* below(dropped.uri, dropped.name, signal);
}

async function* below(uri: Uri, name: string, signal: AbortSignal): AsyncGenerator<PackedEntry> {
  signal.throwIfAborted();
  const { type } = await workspace.fs.stat(uri);
  if (type & FileType.File) yield { name, bytes: await workspace.fs.readFile(uri) };
  if (!(type & FileType.Directory)) return;
  yield { name, bytes: undefined };
  for (const [child, kind] of await workspace.fs.readDirectory(uri)) {
    // A link to a directory may lead back to where it lies.
    if (kind & FileType.SymbolicLink && kind & FileType.Directory) continue;
    yield* below(Uri.joinPath(uri, child), posix.join(name, child), signal);
  }
}
