variable "name" {
  description = "First part of every name."
  type        = string
}

variable "place" {
  description = "Region, account and partition."
  type        = object({ region = string, account = string, partition = string })
}

variable "vpc_cidr" {
  description = "Addresses of the network."
  type        = string
}

variable "zones" {
  description = "Availability zones to span."
  type        = number
}

variable "nat_gateways" {
  description = "single or per_zone."
  type        = string
}

variable "interface_endpoints" {
  description = "Services reached by an interface endpoint."
  type        = set(string)
}

variable "log_retention_days" {
  description = "Days for which flow logs are kept."
  type        = number
}

variable "logs_key_arn" {
  description = "KMS key of log groups."
  type        = string
}
