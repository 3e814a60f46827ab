import { shortForm } from "./shortForm.js"

shortForm(1)
