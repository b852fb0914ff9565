export { HoldfastError } from '../errors.js'
