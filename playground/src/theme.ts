import { mount } from '../../src/report/page/mount.ts'
import { h } from '../../src/report/picture/markup.ts'

/** Light, dark, or as the system has it. Kept where the browser allows a page to keep something. */
export function themeButton(): HTMLElement {
  const element = document.createElement('span')
  const root = document.documentElement
  const set = (to: string | undefined) => {
    if (to === undefined) root.removeAttribute('data-theme')
    else root.dataset['theme'] = to
    draw()
  }
  const draw = () => {
    const dark =
      root.dataset['theme'] === undefined
        ? matchMedia('(prefers-color-scheme: dark)').matches
        : root.dataset['theme'] === 'dark'
    mount(
      element,
      h(
        'button',
        {
          type: 'button',
          class: 'quiet',
          title: dark ? 'Light colours' : 'Dark colours',
          'aria-label': dark ? 'Light colours' : 'Dark colours',
          onclick: () => {
            const to = dark ? 'light' : 'dark'
            try {
              localStorage.setItem('theme', to)
            } catch {
              // Then it lasts as long as the page.
            }
            set(to)
          },
        },
        dark ? '☀' : '☾',
      ),
    )
  }
  let kept: string | null = null
  try {
    kept = localStorage.getItem('theme')
  } catch {
    // A page that may not keep anything follows the system.
  }
  set(kept === 'light' || kept === 'dark' ? kept : undefined)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
  return element
}
