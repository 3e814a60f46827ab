// What the service offers: its endpoints, what they take and return, and the status of each error.
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "@effect/platform"
import { Schema } from "effect"
import { NewOrder, NewProduct, Order, OrderId, Product, ProductPage, Sku } from "./domain.js"

export class SkuTaken extends Schema.TaggedError<SkuTaken>("SkuTaken")(
  "SkuTaken",
  { sku: Schema.String },
  HttpApiSchema.annotations({ status: 409 })
) {}

export class ProductNotFound extends Schema.TaggedError<ProductNotFound>("ProductNotFound")(
  "ProductNotFound",
  { sku: Schema.String },
  HttpApiSchema.annotations({ status: 404 })
) {}

export class NotEnough extends Schema.TaggedError<NotEnough>("NotEnough")(
  "NotEnough",
  { sku: Schema.String, stock: Schema.Number },
  HttpApiSchema.annotations({ status: 409 })
) {}

/** The id was used for another order. */
export class OrderDiffers extends Schema.TaggedError<OrderDiffers>("OrderDiffers")(
  "OrderDiffers",
  { order: Order },
  HttpApiSchema.annotations({ status: 409 })
) {}

/** `after` is not the `next` of a page. */
export class InvalidPage extends Schema.TaggedError<InvalidPage>("InvalidPage")(
  "InvalidPage",
  { reason: Schema.String },
  HttpApiSchema.annotations({ status: 400 })
) {}

/** The store cannot serve now, such as when its disk is full. What is wrong is in the log of the service. */
export class Unavailable extends Schema.TaggedError<Unavailable>("Unavailable")(
  "Unavailable",
  {},
  HttpApiSchema.annotations({ status: 503 })
) {}

const Limit = Schema.NumberFromString.pipe(
  Schema.filter((n) => (Number.isInteger(n) && n >= 1 && n <= 100) || "must be a whole number from 1 to 100")
)

export const Shop = HttpApiGroup.make("shop")
  .add(
    HttpApiEndpoint.post("addProduct", "/products")
      .setPayload(NewProduct)
      .addSuccess(Product)
      .addError(SkuTaken)
      .addError(Unavailable)
  )
  .add(
    HttpApiEndpoint.get("listProducts", "/products")
      .setUrlParams(Schema.Struct({ limit: Schema.optional(Limit), after: Schema.optional(Schema.String) }))
      .addSuccess(ProductPage)
      .addError(InvalidPage)
      .addError(Unavailable)
  )
  .add(
    HttpApiEndpoint.get("getProduct", "/products/:sku")
      .setPath(Schema.Struct({ sku: Sku }))
      .addSuccess(Product)
      .addError(ProductNotFound)
      .addError(Unavailable)
  )
  .add(
    HttpApiEndpoint.put("placeOrder", "/orders/:id")
      .setPath(Schema.Struct({ id: OrderId }))
      .setPayload(NewOrder)
      .addSuccess(Order)
      .addError(ProductNotFound)
      .addError(NotEnough)
      .addError(OrderDiffers)
      .addError(Unavailable)
  )

export const Api = HttpApi.make("shop").add(Shop)
