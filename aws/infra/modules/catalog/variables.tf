variable "name" {
  description = "First part of every name."
  type        = string
}

variable "ddl" {
  description = "Statements for Athena, made from the data contract, for a lake at s3://BUCKET/lake."
  type        = string
}

variable "lake_uri" {
  description = "Root of the lake."
  type        = string
}

variable "results_uri" {
  description = "Where Athena puts results."
  type        = string
}

variable "code_uri" {
  description = "Where a release puts the job's script and the package."
  type        = string
}

variable "release" {
  description = "Version of the package that the job installs."
  type        = string
}

variable "data_key_arn" {
  description = "KMS key of the lake."
  type        = string
}

variable "logs_key_arn" {
  description = "KMS key of log groups."
  type        = string
}

variable "glue_role_arn" {
  description = "Role of the Glue job."
  type        = string
}

variable "scan_limit_gb" {
  description = "A query that reads more is cancelled [GB]."
  type        = number
}

variable "saved_queries" {
  description = "Save the statements that make the views."
  type        = bool
}

variable "etl_schedule" {
  description = "When the Glue job runs; empty = on demand."
  type        = string
}

variable "etl_workers" {
  description = "Workers of the Glue job."
  type        = number
}

variable "log_group_names" {
  description = "Log groups by purpose; jobs is used."
  type        = map(string)
}
