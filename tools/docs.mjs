// node tools/docs.mjs [DIR]: the documentation as a site, beside the playground that its tests open in (npm run docs:build).
import { writeSite } from '../dist/site/build.js'

const to = process.argv[2] ?? 'playground/dist/docs'
console.log(`${writeSite(to)} pages in ${to}/, begin with ${to}/index.html`)
