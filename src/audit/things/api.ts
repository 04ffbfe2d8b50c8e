/** What a call does with something that is taken and given back. */
export type Role =
  /** Takes a reference to the dma-buf behind a descriptor: it, or an error pointer. */
  | { readonly does: 'get' }
  /** Makes a dma-buf, whose reference is the caller's: it, or an error pointer. */
  | { readonly does: 'export' }
  /** Puts a dma-buf behind a descriptor, which takes its reference over, if it works. */
  | { readonly does: 'publish'; readonly arg: number; readonly fails: boolean }
  /** One more reference to a dma-buf (argument 0). */
  | { readonly does: 'ref' }
  | { readonly does: 'put' }
  /** Makes an attachment of a dma-buf (argument 0), or an error pointer; `ops`: which argument has the importer's callbacks. */
  | { readonly does: 'attach'; readonly ops?: number }
  /** Arguments: the dma-buf, the attachment. */
  | { readonly does: 'detach' }
  /** Arguments: the attachment, the direction. `locked`: under the reservation lock of the dma-buf. */
  | { readonly does: 'map'; readonly locked: boolean }
  /** Arguments: the attachment, the table, the direction. */
  | { readonly does: 'unmap'; readonly locked: boolean }
  | { readonly does: 'pin' }
  | { readonly does: 'unpin' }
  /**
   * Undoes what the DRM core's import did: arguments are the object with `import_attach`, and the table or NULL. Or an object that has
   * both: `base`, and in the field `table`.
   */
  | { readonly does: 'destroy'; readonly base?: string; readonly table?: string }
  /** Registers a notifier: the argument points to it. Zero, or an errno. */
  | { readonly does: 'register'; readonly arg: number }
  /** Gives one that is registered or makes it: it, or an error pointer. */
  | { readonly does: 'get-notifier' }
  | { readonly does: 'unregister'; readonly arg: number }
  /** Makes a file with an object behind it: it, or an error pointer. `fd`: it is published as well, and the number is given. */
  | { readonly does: 'make-file'; readonly fops: number; readonly priv: number; readonly fd?: true }
  /** Makes a dma-buf for an object: the description (argument 0) has its operations and its private data. */
  | { readonly does: 'make-buf' }
  /** Puts a file behind a descriptor, which takes its reference over. */
  | { readonly does: 'install'; readonly arg: number; readonly fails?: true }
  /** Takes a number for a file, which a variable (argument 0) keeps together; both are given back at its end. */
  | { readonly does: 'prepare'; readonly arg: number }
  | { readonly does: 'get-file' | 'put-file'; readonly arg: number }

export type Api = {
  readonly name: string
  readonly role: Role
  /** First release with it, and first one without it. */
  readonly since?: string
  readonly until?: string
}
