import { type ContainerView, type ImageView, imageName, shortId } from '../fleet.ts';

/**
 * What somebody looks for in a list: words that must all be found, each in any field or, as `field:word`, in one.
 * Without regard to case. Pure: no `vscode` here.
 *
 * @example filterOf('web state:running label:tier=front')
 */
export interface Filter {
  readonly text: string;
  container(view: ContainerView): boolean;
  image(view: ImageView): boolean;
}

type Fields = Readonly<Record<(typeof fields)[number], readonly string[]>>;
const fields = ['name', 'image', 'label', 'state', 'id'] as const;

/** Undefined for what filters nothing. */
export function filterOf(typed: string): Filter | undefined {
  const text = typed.trim();
  if (text === '') return undefined;
  const words = text.toLowerCase().split(/\s+/).map(wordOf);
  const fits = (values: Fields) =>
    words.every(({ field, word }) =>
      (field ? [field] : fields).some((one) => values[one].some((value) => found(one, value, word))),
    );
  return {
    text,
    container: ({ name, image, imageId, labels, state, health, id }) =>
      fits({
        name: [name],
        image: [image, imageId],
        label: labelWords(labels),
        state: health ? [state, health] : [state],
        id: [id],
      }),
    image: (view) =>
      fits({
        name: view.tags.length > 0 ? view.tags : [imageName(view)],
        image: view.tags,
        label: labelWords(view.labels),
        state: [view.tags.length > 0 ? 'tagged' : 'dangling'],
        id: [view.id, shortId(view.id)],
      }),
  };
}

/** Numbers and states are known from their beginning: nobody looks for the middle of an id, and 'healthy' is not unhealthy. */
function found(field: (typeof fields)[number], value: string, word: string): boolean {
  const said = value.toLowerCase();
  return field === 'id' || field === 'state' ? said.startsWith(word) : said.includes(word);
}

function wordOf(word: string): { readonly field?: (typeof fields)[number]; readonly word: string } {
  const field = fields.find((one) => word.startsWith(`${one}:`));
  return field ? { field, word: word.slice(field.length + 1) } : { word };
}

const labelWords = (labels: ContainerView['labels']): readonly string[] =>
  Object.entries(labels).map(([label, value]) => `${label}=${value}`);
