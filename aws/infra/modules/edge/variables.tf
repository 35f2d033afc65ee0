variable "domain_name" {
  description = "Name under which the API is reached."
  type        = string
}

variable "hosted_zone_id" {
  description = "Route 53 zone that proves the name; empty = by hand."
  type        = string
}
