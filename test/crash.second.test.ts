import { shortForm } from "./crash/shortForm.js"

shortForm(1)
