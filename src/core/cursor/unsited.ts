/**
 * An array that is not a literal. If most objects that a literal makes live through some collections,
 * V8 makes all later ones in the old generation. A program that reads one long range and then many
 * short ones would leave their garbage there, with all that it refers to, until a full collection.
 * Arrays of rest parameters, and objects of classes, are never treated so.
 */
export const unsited = <A extends ReadonlyArray<unknown>>(...items: A): A => items
