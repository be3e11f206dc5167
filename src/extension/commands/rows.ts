/**
 * Every command as a row; `package.json`'s commands and menus are made from this table (`manifest.ts`, held by a test)
 * and `handlers.ts` must answer each id. Pure: no `vscode` here, so that the table is checked in plain Node.
 */
export interface CommandRow {
  /** English; the key in package.nls.json is `command.<id without the prefix>`. */
  readonly title: string;
  readonly icon?: string;
  /** What it acts on; decides the view and, from the palette, the picker. */
  readonly target:
    | 'container'
    | 'image'
    | 'host'
    | 'layer'
    | 'file'
    | 'volume'
    | 'difference'
    | 'containers'
    | 'images'
    | 'hosts'
    | 'volumes'
    | 'none';
  /** States of the target (second word of viewItem) in which it is offered; absent: all. */
  readonly states?: readonly string[];
  /** Engines (third word of viewItem) that have it; absent: all. */
  readonly engines?: readonly string[];
  /** Rows of the same view that it is offered on too, by the beginning of their viewItem (an expression). */
  readonly alsoOn?: readonly string[];
  /** The fourth word of viewItem, which it needs; absent: none. */
  readonly trait?: 'published';
  /** Section and order in the context menu; VS Code sorts sections by name, so destructive ones start with 9. */
  readonly group?: string;
  /** Also a button in the row: order. */
  readonly inline?: number;
  /** A button in these views' titles: order. */
  readonly inTitle?: number;
  /** Only there while this clause is true. */
  readonly titleWhen?: string;
  /** In the menu behind the dots of these views' titles: order. */
  readonly inTitleMenu?: number;
  /** Also in the menu of files of the workspace, for those that this clause is true of. */
  readonly inExplorer?: string;
  /** Does it to what is selected while the view has the focus. `mac` where a Mac is used otherwise. */
  readonly key?: { readonly key: string; readonly mac?: string };
  /** False: makes no sense without its row, so the palette does not list it. */
  readonly palette?: false;
  readonly enablement?: string;
}

const alive = ['running', 'paused', 'restarting'];
const ended = ['created', 'exited', 'dead'];
const deleteKey = { key: 'delete', mac: 'cmd+backspace' };
const fileStates = ['added', 'modified', 'deleted', 'merged'];

export const commandRows = {
  'porthole.host.connect': {
    title: 'Connect',
    icon: 'plug',
    target: 'host',
    states: ['disconnected'],
    group: '1_life@1',
    inline: 1,
  },
  'porthole.host.disconnect': {
    title: 'Disconnect',
    icon: 'debug-disconnect',
    target: 'host',
    states: ['connected', 'connecting'],
    group: '1_life@2',
    inline: 1,
  },
  'porthole.host.add': { title: 'Add SSH Host…', icon: 'add', target: 'hosts', inTitle: 1 },
  'porthole.host.remove': {
    title: 'Remove Host',
    target: 'host',
    engines: ['ssh'],
    group: '9_remove@1',
    key: deleteKey,
  },
  'porthole.host.namespaces': {
    title: 'Show Namespaces of the Host',
    icon: 'symbol-namespace',
    target: 'host',
    states: ['connected'],
    group: '5_look@2',
  },
  'porthole.host.showLog': { title: 'Show Connection Log', icon: 'output', target: 'host', group: '5_look@1' },

  'porthole.container.start': {
    title: 'Start',
    icon: 'debug-start',
    target: 'container',
    states: ended,
    group: '1_life@1',
    inline: 1,
  },
  'porthole.container.stop': {
    title: 'Stop',
    icon: 'debug-stop',
    target: 'container',
    states: alive,
    group: '1_life@2',
    inline: 2,
  },
  'porthole.container.restart': {
    title: 'Restart',
    icon: 'debug-restart',
    target: 'container',
    states: [...alive, 'exited'],
    group: '1_life@3',
  },
  'porthole.container.pause': {
    title: 'Pause',
    icon: 'debug-pause',
    target: 'container',
    states: ['running'],
    group: '1_life@4',
  },
  'porthole.container.unpause': {
    title: 'Unpause',
    icon: 'debug-continue',
    target: 'container',
    states: ['paused'],
    group: '1_life@5',
  },
  'porthole.container.exec': {
    title: 'Exec Shell',
    icon: 'terminal',
    target: 'container',
    states: ['running'],
    group: '2_inside@1',
    inline: 1,
    key: { key: 'ctrl+enter', mac: 'cmd+enter' },
  },
  'porthole.container.logs': { title: 'Show Logs', icon: 'list-flat', target: 'container', group: '2_inside@2' },
  'porthole.container.execWith': {
    title: 'Exec with User and Directory…',
    icon: 'terminal-bash',
    target: 'container',
    states: ['running'],
    group: '2_inside@1',
  },
  'porthole.container.attach': {
    title: 'Attach',
    icon: 'plug',
    target: 'container',
    states: ['running'],
    group: '2_inside@2',
  },
  'porthole.container.copyIn': {
    title: 'Copy Files into…',
    icon: 'cloud-upload',
    target: 'container',
    group: '2_inside@4',
  },
  'porthole.container.copyOut': {
    title: 'Copy Files out of…',
    icon: 'cloud-download',
    target: 'container',
    group: '2_inside@5',
  },
  'porthole.container.files': {
    title: 'Add Files to Explorer',
    icon: 'root-folder',
    target: 'container',
    engines: ['porthole'],
    group: '2_inside@3',
  },
  'porthole.container.openPort': {
    title: 'Open Published Port',
    icon: 'globe',
    target: 'container',
    states: ['running'],
    engines: ['docker', 'podman'],
    trait: 'published',
    group: '2_inside@6',
  },
  'porthole.container.birth': {
    title: 'Show Birth',
    icon: 'pulse',
    target: 'container',
    engines: ['porthole'],
    group: '3_look@1',
  },
  'porthole.container.usage': {
    title: 'Show cgroup Usage',
    icon: 'graph-line',
    target: 'container',
    group: '3_look@2',
  },
  'porthole.container.timeline': {
    title: 'Show Timeline',
    icon: 'history',
    target: 'container',
    engines: ['porthole'],
    group: '3_look@2',
  },
  'porthole.container.isolation': {
    title: 'Show Isolation Report',
    icon: 'shield',
    target: 'container',
    group: '3_look@2',
  },
  'porthole.container.layers': {
    title: 'Show Layers of the Container',
    icon: 'layers',
    target: 'container',
    engines: ['porthole'],
    group: '3_look@1',
  },
  'porthole.container.namespaces': {
    title: 'Show Namespaces',
    icon: 'symbol-namespace',
    target: 'container',
    states: ['running', 'paused'],
    alsoOn: ['section\\.namespaces', 'namespace\\.[a-z]+'],
    group: '3_look@2',
  },
  'porthole.container.inspect': { title: 'Inspect Container', icon: 'json', target: 'container', group: '3_look@3' },
  'porthole.container.compare': {
    title: 'Compare Container with…',
    icon: 'diff',
    target: 'container',
    engines: ['porthole'],
    group: '3_look@4',
  },
  'porthole.container.update': {
    title: 'Change Limits…',
    icon: 'dashboard',
    target: 'container',
    group: '4_edit@2',
  },
  'porthole.container.commit': {
    title: 'Commit to an Image…',
    icon: 'save-as',
    target: 'container',
    group: '4_edit@3',
  },
  'porthole.container.export': { title: 'Export Files to Archive…', target: 'container', group: '4_edit@4' },
  'porthole.container.copyId': { title: 'Copy Container Id', icon: 'copy', target: 'container', group: '5_copy@1' },
  'porthole.container.copyName': { title: 'Copy Container Name', target: 'container', group: '5_copy@1' },
  'porthole.container.copyRunLine': { title: 'Copy docker run Line', target: 'container', group: '5_copy@2' },
  'porthole.container.killWith': {
    title: 'Kill with Signal…',
    target: 'container',
    states: ['running', 'paused'],
    group: '9_remove@1',
  },
  'porthole.container.prune': { title: 'Remove Containers That Do Not Run…', target: 'containers', inTitleMenu: 9 },
  'porthole.container.groupBy': { title: 'Group By…', icon: 'list-tree', target: 'containers', inTitle: 1 },
  'porthole.container.filter': { title: 'Filter Containers…', icon: 'filter', target: 'containers', inTitle: 2 },
  'porthole.container.clearFilter': {
    title: 'Clear Filter of Containers',
    icon: 'clear-all',
    target: 'containers',
    inTitle: 3,
    titleWhen: 'porthole.containersFiltered',
  },
  'porthole.container.rename': {
    title: 'Rename…',
    icon: 'edit',
    target: 'container',
    group: '4_edit@1',
    key: { key: 'f2' },
  },
  'porthole.container.kill': { title: 'Kill', icon: 'close', target: 'container', states: alive, group: '9_remove@1' },
  'porthole.container.remove': {
    title: 'Remove Container',
    icon: 'trash',
    target: 'container',
    group: '9_remove@2',
    key: deleteKey,
  },

  'porthole.image.run': { title: 'Run', icon: 'play', target: 'image', group: '1_run@1', inline: 1 },
  'porthole.image.runInteractive': { title: 'Run Interactive…', icon: 'terminal', target: 'image', group: '1_run@2' },
  'porthole.image.runWith': {
    title: 'Run with Options…',
    icon: 'run-all',
    target: 'image',
    group: '1_run@3',
    key: { key: 'ctrl+enter', mac: 'cmd+enter' },
  },
  'porthole.image.layers': {
    title: 'Show Layers',
    icon: 'layers',
    target: 'image',
    group: '3_look@1',
    inline: 2,
  },
  'porthole.image.inspect': { title: 'Inspect Image', icon: 'json', target: 'image', group: '3_look@2' },
  'porthole.image.history': { title: 'Show History', icon: 'history', target: 'image', group: '3_look@2' },
  'porthole.image.compare': { title: 'Compare Image with…', icon: 'diff', target: 'image', group: '3_look@3' },
  'porthole.image.tag': { title: 'Tag…', icon: 'tag', target: 'image', group: '4_edit@1', key: { key: 'f2' } },
  'porthole.image.untag': { title: 'Untag…', target: 'image', states: ['tagged'], group: '4_edit@1' },
  'porthole.image.save': { title: 'Save Image to Archive…', icon: 'save', target: 'image', group: '4_edit@2' },
  'porthole.image.copyId': { title: 'Copy Image Id', icon: 'copy', target: 'image', group: '5_copy@1' },
  'porthole.image.copyName': { title: 'Copy Image Name', target: 'image', states: ['tagged'], group: '5_copy@2' },
  'porthole.image.copyDigest': { title: 'Copy Image Digest', target: 'image', group: '5_copy@3' },
  'porthole.image.prune': { title: 'Remove Unused Images…', target: 'images', inTitleMenu: 9 },
  'porthole.image.remove': {
    title: 'Remove Image',
    icon: 'trash',
    target: 'image',
    group: '9_remove@1',
    key: deleteKey,
  },
  'porthole.image.pull': { title: 'Pull Image…', icon: 'cloud-download', target: 'images', inTitle: 2 },
  'porthole.image.push': {
    title: 'Push Image…',
    icon: 'cloud',
    target: 'image',
    states: ['tagged'],
    group: '4_edit@3',
  },
  'porthole.image.build': {
    title: 'Build Image…',
    icon: 'tools',
    target: 'images',
    inTitle: 3,
    inExplorer:
      'resourceScheme =~ /^(file|vscode-remote)$/ && resourceFilename =~ /(^|\\.)(dockerfile|containerfile)(\\.[^.]+)?$/i',
  },
  'porthole.image.filter': { title: 'Filter Images…', icon: 'filter', target: 'images', inTitle: 4 },
  'porthole.image.clearFilter': {
    title: 'Clear Filter of Images',
    icon: 'clear-all',
    target: 'images',
    inTitle: 5,
    titleWhen: 'porthole.imagesFiltered',
  },
  'porthole.image.load': { title: 'Load Image from Archive…', icon: 'cloud-upload', target: 'images', inTitle: 1 },

  'porthole.image.import': { title: 'Import Files as an Image…', target: 'images', inTitleMenu: 1 },

  'porthole.layer.changes': {
    title: 'Open All Changes of the Layer',
    icon: 'diff-multiple',
    target: 'layer',
    group: '1_open@1',
    inline: 1,
    palette: false,
  },
  'porthole.file.compare': {
    title: 'Compare with the Layers Below',
    icon: 'diff',
    target: 'file',
    states: fileStates,
    group: '1_open@1',
    palette: false,
  },
  'porthole.file.compareAbove': {
    title: 'Compare with the Next Layer That Touched It',
    target: 'file',
    states: fileStates,
    group: '1_open@2',
    palette: false,
  },
  'porthole.file.compareImage': {
    title: 'Compare with Another Image…',
    target: 'file',
    states: fileStates,
    group: '1_open@3',
    palette: false,
  },
  'porthole.file.compareContainer': {
    title: 'Compare with a Container…',
    target: 'file',
    states: fileStates,
    group: '1_open@4',
    palette: false,
  },
  'porthole.file.open': {
    title: 'Open This Version',
    icon: 'go-to-file',
    target: 'file',
    states: ['added', 'modified', 'merged'],
    group: '1_open@5',
    palette: false,
  },

  'porthole.difference.compare': {
    title: 'Compare with the Image',
    icon: 'diff',
    target: 'difference',
    engines: ['porthole'],
    group: '1_open@1',
    palette: false,
  },

  'porthole.volume.create': { title: 'Create Volume…', icon: 'add', target: 'volumes', inTitle: 1 },
  'porthole.volume.files': {
    title: 'Add Volume’s Files to Explorer',
    icon: 'root-folder',
    target: 'volume',
    engines: ['porthole'],
    group: '2_inside@1',
  },
  'porthole.volume.inspect': { title: 'Inspect Volume', icon: 'json', target: 'volume', group: '3_look@1' },
  'porthole.volume.remove': {
    title: 'Remove Volume',
    icon: 'trash',
    target: 'volume',
    group: '9_remove@1',
    key: deleteKey,
  },
  'porthole.volume.prune': { title: 'Remove Unused Volumes…', target: 'volumes', inTitleMenu: 9 },

  'porthole.refresh': { title: 'Refresh', icon: 'refresh', target: 'none', inTitle: 9 },
} as const satisfies Record<string, CommandRow>;

export type CommandId = keyof typeof commandRows;

/** The ids in the order of the table. */
export const commandIds: readonly CommandId[] = Object.keys(commandRows).filter(isCommandId);

export function isCommandId(id: string): id is CommandId {
  return Object.hasOwn(commandRows, id);
}

export const rowOf = (id: CommandId): CommandRow => commandRows[id];

/** Key of a command's title in package.nls.json. */
export const titleKey = (id: CommandId): string => id.replace(/^porthole/, 'command');
