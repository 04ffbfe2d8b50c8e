/** The model, as model.js puts it into the page: a function, because the worker is made of its text. */
declare const tenureModel: () => typeof import('./model.ts')
/** The address of its text as a worker, and the first such worker, started before the page was. */
declare const tenureWorkers: string
declare const tenureFirst: Worker

/** The corpus, as corpus.js puts it into the page. */
declare const tenureCorpus: readonly {
  readonly family: string
  readonly name: string
  readonly text: string
}[]
